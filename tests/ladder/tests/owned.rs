//! What this process makes and removes: `scratch` and `create_*`, while the process lives.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex};

use backstop::{Survives, create_dir, create_file, create_socket, scratch};

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn scratch_is_for_this_user_only_under_a_name_of_128_random_bits() {
    let home = tempfile::tempdir().unwrap();
    let dir = scratch::dir_in(home.path(), Survives::Exit).unwrap();
    let file = scratch::file_in(home.path(), Survives::Exit).unwrap();
    assert_eq!((mode(dir.path()), mode(file.path())), (0o700, 0o600));
    for path in [dir.path(), file.path()] {
        let name = path.file_name().unwrap().to_str().unwrap();
        let random = name.strip_prefix("backstop-").unwrap();
        assert_eq!(random.len(), 32);
        assert!(random.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
    assert_ne!(dir.path(), file.path());
    drop((dir, file));
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn what_was_created_has_its_name_and_goes_with_its_owner() {
    let home = tempfile::tempdir().unwrap();
    let dir = create_dir(home.path().join("dir"), Survives::Exit).unwrap();
    fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let mut file = create_file(home.path().join("file"), Survives::Exit).unwrap();
    file.write_all(b"text").unwrap();
    file.rewind().unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "text");
    let socket = create_socket(home.path().join("socket"), Survives::Exit).unwrap();
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    let mut client = UnixStream::connect(socket.path()).unwrap();
    client.write_all(b"x").unwrap();
    let mut byte = [0];
    socket.accept().unwrap().0.read_exact(&mut byte).unwrap();
    assert_eq!(names(home.path()), ["dir", "file", "socket"]);
    drop((dir, file, socket));
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn a_name_that_is_taken_is_an_error_and_nothing_is_left_or_lost() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("taken");
    fs::write(&path, "a stranger's").unwrap();
    for error in [
        create_dir(&path, Survives::Exit).unwrap_err(),
        create_file(&path, Survives::Exit).unwrap_err(),
        create_socket(&path, Survives::Exit).unwrap_err(),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{error}");
        assert!(error.to_string().contains("taken"), "{error}");
    }
    assert_eq!(names(home.path()), ["taken"]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "a stranger's");
    // Not even an empty directory is replaced.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(create_dir(&path, Survives::Exit).is_err());
    assert_eq!(names(home.path()), ["taken"]);
}

#[test]
fn a_strangers_thing_under_the_same_name_is_left_alone_and_reported() {
    let home = tempfile::tempdir().unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    backstop::set_observer(move |event| seen.lock().unwrap().push(event.to_string()));
    let dir = create_dir(home.path().join("swapped"), Survives::Exit).unwrap();
    fs::rename(dir.path(), home.path().join("stolen")).unwrap();
    fs::create_dir(dir.path()).unwrap();
    fs::write(dir.path().join("precious"), "").unwrap();
    let error = dir.remove().unwrap_err();
    assert!(error.to_string().contains("left alone"), "{error}");
    assert_eq!(names(&home.path().join("swapped")), ["precious"]);

    let file = create_file(home.path().join("other"), Survives::Exit).unwrap();
    fs::remove_file(file.path()).unwrap();
    std::os::unix::fs::symlink(home.path().join("swapped/precious"), file.path()).unwrap();
    drop(file);
    assert_eq!(names(home.path()), ["other", "stolen", "swapped"]);
    assert_eq!(names(&home.path().join("swapped")), ["precious"]);
    let events = events.lock().unwrap().join("\n");
    assert!(events.contains("create_file") && events.contains("owned.rs"), "{events}");
}

#[test]
fn what_is_kept_stays_and_what_is_gone_already_is_no_error() {
    let home = tempfile::tempdir().unwrap();
    let (kept, ()) = create_dir(home.path().join("kept"), Survives::Exit).unwrap().keep();
    assert_eq!(kept, fs::canonicalize(home.path()).unwrap().join("kept"));
    let gone = create_file(home.path().join("gone"), Survives::Exit).unwrap();
    fs::remove_file(gone.path()).unwrap();
    gone.remove().unwrap();
    assert_eq!(names(home.path()), ["kept"]);
}

#[test]
fn what_is_kept_stays_open() {
    let home = tempfile::tempdir().unwrap();
    let file = create_file(home.path().join("file"), Survives::Exit).unwrap();
    let (path, mut file) = file.keep();
    file.write_all(b"text").unwrap();
    assert_eq!(fs::read_to_string(path).unwrap(), "text");
    let (path, socket) = create_socket(home.path().join("s"), Survives::Exit).unwrap().keep();
    let _client = UnixStream::connect(path).unwrap();
    socket.accept().unwrap();
    assert_eq!(names(home.path()), ["file", "s"]);
}

#[test]
fn a_rung_that_nobody_keeps_is_an_error_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    for (survives, missing) in [(Survives::Kill, "reaper"), (Survives::Reboot, "journal")] {
        let error = scratch::dir_in(home.path(), survives).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
        assert!(error.to_string().contains(missing), "{error}");
        assert!(create_socket(home.path().join("s"), survives).is_err());
    }
    assert_eq!(names(home.path()), [""; 0]);
}

#[test]
fn paths_that_are_none_are_errors_that_name_them() {
    for path in ["", "/", "/tmp/..", "/tmp/x/", "/no/such/directory/x"] {
        let error = create_dir(path, Survives::Exit).unwrap_err().to_string();
        assert!(error.contains(path), "{path}: {error}");
    }
    assert!(scratch::dir_in("/no/such/directory", Survives::Exit).is_err());
}

#[test]
fn a_socket_may_lie_deeper_than_its_address_may_be_long() {
    let home = tempfile::tempdir().unwrap();
    let deep = home.path().join("d".repeat(200));
    fs::create_dir(&deep).unwrap();
    let socket = create_socket(deep.join("socket"), Survives::Exit).unwrap();
    assert_eq!(names(&deep), ["socket"]);
    drop(socket);
    assert_eq!(names(&deep), [""; 0]);
}
