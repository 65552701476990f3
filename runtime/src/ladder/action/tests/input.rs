//! Paths as users write them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixListener;

use super::{Yard, committed, done, gone, left_alone};
use crate::ladder::action::Action;
use crate::report::value;

#[track_caller]
fn refused(path: &[u8], words: &str) {
    let error = Action::remove_dir_all(OsStr::from_bytes(path)).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn paths_that_name_nothing_are_refused() {
    refused(b"", "is empty");
    refused(b"/", "is the root directory");
    refused(b"///", "is the root directory");
    refused(b"/tmp/a/", "ends in `/`");
    refused(b"/tmp/..", "ends in `.` or `..`");
    refused(b"..", "ends in `.` or `..`");
    refused(b".", "ends in `.` or `..`");
    refused(b"/tmp/.", "ends in `.` or `..`");
    refused(b"/tmp/a\0b", "NUL");
}

#[test]
fn a_missing_parent_is_named_with_the_way_out() {
    let yard = Yard::new();
    let error = Action::remove_file(yard.at("no/thing")).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let text = error.to_string();
    assert!(text.contains("/no\" of ") && text.contains("create it before"), "{text}");

    File::create(yard.at("file")).unwrap();
    let error = Action::remove_file(yard.at("file/thing")).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotADirectory);
}

#[test]
fn newlines_and_other_bytes_are_names_like_any_other() {
    let yard = Yard::new();
    for name in [&b"two\nlines"[..], b"\xff\xfe\x80", b" ", b"-rf", b"\xe2\x80\xae"] {
        let path = yard.at(OsStr::from_bytes(name));
        fs::create_dir(&path).unwrap();
        fs::write(path.join(OsStr::from_bytes(name)), "").unwrap();
        let prepared = committed(Action::remove_dir_all(&path));
        assert!(!prepared.to_string().contains('\n'));
        done(prepared.perform());
        gone(prepared.perform());
        assert_eq!(yard.names(), [""; 0]);
    }
}

#[test]
fn a_path_of_4000_bytes_is_removed() {
    let yard = Yard::new();
    let mut path = yard.path.clone();
    while path.as_os_str().len() < 3_740 {
        path.push("d".repeat(250));
    }
    path.push("e".repeat(3_997 - path.as_os_str().len()));
    fs::create_dir_all(&path).unwrap();
    path.push("f");
    assert_eq!(path.as_os_str().len(), 4_000);
    File::create(&path).unwrap();
    let prepared = committed(Action::remove_file(&path));
    done(prepared.perform());
    assert!(!path.exists());
    let whole = committed(Action::remove_dir_all(yard.at("d".repeat(250))));
    done(whole.perform());
    assert_eq!(yard.names(), [""; 0]);
}

#[test]
fn links_in_the_path_are_resolved_once() {
    let yard = Yard::new();
    fs::create_dir(yard.at("real")).unwrap();
    std::os::unix::fs::symlink("real", yard.at("link")).unwrap();
    fs::write(yard.at("real/thing"), "").unwrap();
    let prepared = committed(Action::remove_file(yard.at("link/thing")));
    fs::remove_file(yard.at("link")).unwrap();
    done(prepared.perform());
    assert_eq!(yard.names(), ["real"]);
}

#[test]
fn each_kind_of_thing_is_removed_by_its_own_action_only() {
    let yard = Yard::new();
    let (file, dir, socket) = (yard.at("file"), yard.at("dir"), yard.at("socket"));
    File::create(&file).unwrap();
    fs::create_dir(&dir).unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();

    let wrong = [
        Action::remove_file(&dir),
        Action::remove_dir_all(&file),
        Action::unlink_socket(&file),
        Action::unlink_socket(&dir),
    ];
    for action in wrong {
        let mut prepared = action.clone().prepare().unwrap();
        let error = prepared.commit().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(left_alone(prepared.ours().perform()).contains(" and no "));
        assert!(action.perform().is_err());
    }
    assert_eq!(yard.names(), ["dir", "file", "socket"]);

    done(committed(Action::remove_file(&file)).perform());
    done(committed(Action::remove_dir_all(&dir)).perform());
    done(committed(Action::unlink_socket(&socket)).perform());
    assert_eq!(yard.names(), [""; 0]);
}

#[test]
fn performed_in_place_it_takes_what_it_finds() {
    let yard = Yard::new();
    fs::create_dir_all(yard.at("dir/sub")).unwrap();
    let action = Action::remove_dir_all(yard.at("dir"));
    assert!(value(&action).ended().0.is_none());
    assert_eq!(yard.names(), [""; 0]);
    // Nothing left to do, not even a directory to look in.
    assert!(value(&action).ended().0.is_none());
    assert!(value(&Action::remove_file(yard.at("dir/sub"))).ended().0.is_none());
}

#[test]
fn a_failure_in_place_is_a_failed_cleanup() {
    let yard = Yard::new();
    fs::create_dir(yard.at("dir")).unwrap();
    let message = value(&Action::remove_file(yard.at("dir"))).ended().0.unwrap().0;
    assert!(message.contains("dir\" is left alone"), "{message}");
    let message = value(&Action::remove_file("")).ended().0.unwrap().0;
    assert!(message.contains("is empty"), "{message}");
}

#[test]
fn committing_what_is_not_there_fails() {
    let yard = Yard::new();
    let mut prepared = Action::remove_file(yard.at("thing")).prepare().unwrap();
    assert_eq!(prepared.commit().unwrap_err().kind(), ErrorKind::NotFound);
    assert!(!prepared.is_committed());
}

#[test]
fn options_are_sent_along() {
    use std::process::Command;
    use std::time::Duration;

    let plain = Action::run(&Command::new("true"));
    assert!(!super::sent(&plain.clone().prepare().unwrap()).replays());
    let marked = plain.replay_after_reboot().with_timeout(Duration::from_millis(1_500));
    let marked = super::sent(&marked.prepare().unwrap());
    assert!(marked.replays());
    assert_eq!(marked.timeout, Duration::from_millis(1_500));
}
