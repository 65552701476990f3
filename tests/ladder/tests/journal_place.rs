//! Where a journal may be, and what is done about files in it that are not what they should be.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use backstop::__private::journal::recover_in;
use backstop_tests_ladder::journal::{Home, Owner};
use tempfile::TempDir;

const OWNER: &str = env!("CARGO_BIN_EXE_journal_owner");
const NONE: [PathBuf; 0] = [];

fn home() -> (TempDir, Home) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(directory.path());
    (directory, home)
}

fn start(journal: &Path) -> (Owner, String) {
    Owner::start(Command::new(OWNER).arg(journal))
}

/// Registers a file, and is killed.
fn killed(home: &Home) {
    let (mut owner, first) = start(&home.journal);
    assert_eq!(first, "ok 0");
    owner.create(1, &home.file("1"));
    owner.create(2, &home.file("2"));
    owner.create(3, &home.file("3"));
    owner.kill();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn default_place_is_below_the_state_directory() {
    let (directory, _) = home();
    let state = directory.path().join("state");
    let home = directory.path().join("home");
    let program = "backstop/journal_owner";
    let start = |state: &Path| {
        let mut command = Command::new(OWNER);
        Owner::start(command.env("XDG_STATE_HOME", state).env("HOME", &home))
    };
    let (_owner, first) = start(&state);
    assert_eq!(first, "ok 0");
    assert_eq!(fs::read_dir(state.join(program)).unwrap().count(), 1);
    for path in [&state, &state.join("backstop"), &state.join(program)] {
        assert_eq!(mode(path), 0o700);
    }
    let segment = fs::read_dir(state.join(program)).unwrap().next().unwrap().unwrap().path();
    assert_eq!(mode(&segment), 0o600);
    // A relative one is to be ignored.
    let (_owner, first) = start(Path::new("state"));
    assert_eq!(first, "ok 0");
    assert_eq!(fs::read_dir(home.join(".local/state").join(program)).unwrap().count(), 1);
}

#[test]
fn without_a_home_there_is_a_clear_error() {
    let (_owner, first) =
        Owner::start(Command::new(OWNER).env_remove("XDG_STATE_HOME").env_remove("HOME"));
    assert!(first.starts_with("error NotFound"), "{first}");
    assert!(first.contains("neither XDG_STATE_HOME nor HOME"), "{first}");
}

#[test]
fn memory_is_no_place_for_a_journal() {
    let Ok(directory) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("SKIPPED: there is no /dev/shm");
        return;
    };
    let (_owner, first) = start(&directory.path().join("journal"));
    assert!(first.starts_with("error PermissionDenied"), "{first}");
    assert!(first.contains("is in memory (tmpfs)"), "{first}");
}

#[test]
fn directories_that_others_reach_are_refused() {
    let (_directory, home) = home();
    fs::create_dir(&home.journal).unwrap();
    for bad in [0o720, 0o702, 0o777] {
        fs::set_permissions(&home.journal, fs::Permissions::from_mode(bad)).unwrap();
        let (_owner, first) = start(&home.journal);
        assert!(first.starts_with("error PermissionDenied"), "{first}");
        assert!(first.contains("can be written by others"), "{first}");
    }
    fs::remove_dir(&home.journal).unwrap();
    symlink(&home.directory, &home.journal).unwrap();
    let (_owner, first) = start(&home.journal);
    assert!(first.contains("is a link"), "{first}");
    fs::remove_file(&home.journal).unwrap();
    fs::write(&home.journal, b"").unwrap();
    let (_owner, first) = start(&home.journal);
    assert!(first.contains("not a directory"), "{first}");
    assert_eq!(fs::read_dir(&home.directory).unwrap().count(), 1);
}

#[test]
fn directory_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let (_directory, home) = home();
    fs::create_dir(&home.journal).unwrap();
    chown(&home.journal, Some(65534), None).unwrap();
    let (_owner, first) = start(&home.journal);
    assert!(first.contains("belongs to user 65534"), "{first}");
}

#[test]
fn recovery_where_nothing_was_makes_nothing() {
    let (_directory, home) = home();
    assert_eq!(recover_in(&home.journal).unwrap().to_string(), "");
    assert!(!home.journal.exists());
}

#[test]
fn damaged_segment_is_set_aside_and_never_acted_on() {
    let (_directory, home) = home();
    killed(&home);
    let segment = home.segment();
    let mut bytes = fs::read(&segment).unwrap();
    // In the path of the first registration, whose directory and name lie apart.
    let file = home.file("1");
    let needle = file.parent().unwrap().as_os_str().as_encoded_bytes();
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    bytes[at + needle.len() - 1] ^= 1;
    fs::write(&segment, &bytes).unwrap();

    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (0, 1), "{recovery}");
    assert!(recovery.to_string().contains("damaged"), "{recovery}");
    let aside = format!("{}.corrupt", segment.display());
    assert_eq!(home.segment(), Path::new(&aside));
    assert!(fs::read(&aside).unwrap() == bytes);
    // Once.
    assert_eq!(recover_in(&home.journal).unwrap().to_string(), "");
    let (_owner, first) = start(&home.journal);
    assert_eq!(first, "ok 0");
    assert!(["1", "2", "3"].iter().all(|name| home.file(name).exists()));
}

#[test]
fn half_written_last_record_is_skipped() {
    let (_directory, home) = home();
    // With names so long that no record is in one sector.
    let files = home.file(&"d".repeat(250)).join("d".repeat(250));
    fs::create_dir_all(&files).unwrap();
    let (mut owner, _) = start(&home.journal);
    for key in 1..=3 {
        owner.create(key, &files.join(key.to_string()));
    }
    owner.kill();
    let segment = home.segment();
    let mut bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    // The last sector of the commit of the third.
    bytes[end / 512 * 512..=end].fill(0);
    fs::write(&segment, &bytes).unwrap();
    let recovery = recover_in(&home.journal).unwrap();
    assert!(recovery.failed.is_empty(), "{recovery}");
    assert!(["1", "2"].iter().all(|name| !files.join(name).exists()), "{recovery}");
    assert!(files.join("3").exists());
    assert_eq!(home.segments(), NONE);
}

#[test]
fn damaged_withdrawal_removes_nothing_that_was_kept() {
    let (_directory, home) = home();
    let (mut owner, _) = start(&home.journal);
    for key in 0x1111..0x1113 {
        owner.create(key, &home.file(&key.to_string()));
    }
    owner.ask(format!("forget {}", 0x1112));
    owner.kill();
    let segment = home.segment();
    let mut bytes = fs::read(&segment).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let recovery = recover_in(&home.journal).unwrap();
    assert!(recovery.performed.is_empty(), "{recovery}");
    assert!(recovery.to_string().contains("the last record is damaged"), "{recovery}");
    assert!((0x1111..0x1113).all(|key| home.file(&key.to_string()).exists()), "{recovery}");
}

#[test]
fn segment_of_a_newer_version_stays_in_place() {
    let (_directory, home) = home();
    killed(&home);
    let segment = home.segment();
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] += 1;
    fs::write(&segment, &bytes).unwrap();
    for _ in 0..2 {
        let recovery = recover_in(&home.journal).unwrap();
        assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (0, 1), "{recovery}");
        let left = &recovery.left_alone[0];
        assert!(left.reason.contains("a newer backstop reads") && left.kept, "{recovery}");
    }
    assert!(fs::read(&segment).unwrap() == bytes);
    assert!(home.file("1").exists());
    // The program itself goes on, in its own segment.
    let (mut owner, first) = start(&home.journal);
    assert_eq!(first, "ok 0");
    owner.create(1, &home.file("4"));
}

#[test]
fn what_is_no_segment_is_left_alone() {
    let (_directory, home) = home();
    killed(&home);
    let segment = home.segment();
    fs::write(home.journal.join("notes.txt"), b"mine").unwrap();
    symlink(home.file("1"), home.journal.join("link.journal")).unwrap();
    fs::create_dir(home.journal.join("directory.journal")).unwrap();
    let fifo = home.journal.join("fifo.journal");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::set_permissions(&segment, fs::Permissions::from_mode(0o666)).unwrap();
    let recovery = recover_in(&home.journal).unwrap();
    assert!(recovery.performed.is_empty(), "{recovery}");
    assert_eq!(recovery.left_alone.len() + recovery.failed.len(), 4, "{recovery}");
    assert_eq!(home.segments().len(), 5);
    fs::set_permissions(&segment, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(recover_in(&home.journal).unwrap().performed.len(), 3);
}

#[test]
fn unfinished_file_of_a_killed_owner_is_removed() {
    let (_directory, home) = home();
    killed(&home);
    let unfinished = home.journal.join("0123.journal.new");
    fs::write(&unfinished, b"back").unwrap();
    assert_eq!(recover_in(&home.journal).unwrap().performed.len(), 3);
    assert_eq!(home.segments(), NONE);
}

/// Fills the journal, and sees that withdrawing goes on and makes room again.
fn no_room(owner: &mut Owner, home: &Home, kind: &str) {
    owner.create(1, &home.file("1"));
    let last = owner.ask(format!("fill 2 {}", home.file("none").display()));
    assert!(last.contains(kind), "{last}");
    let refused = owner.tell(format!("create 100000 {}", home.file("2").display()));
    assert!(refused.starts_with(&format!("error {kind}")), "{refused}");
    assert!(!home.file("2").exists(), "refused before it was made");
    owner.ask("forget 1");
    owner.ask("forget-all");
    owner.create(3, &home.file("3"));
}

#[test]
fn limited_file_size_fails_registrations_before_anything_is_created() {
    let (_directory, home) = home();
    let (mut owner, _) = start(&home.journal);
    owner.ask("limit-file-size 200000");
    no_room(&mut owner, &home, "FileTooLarge");
    owner.kill();
    recover_in(&home.journal).unwrap();
    assert!(home.file("1").exists() && !home.file("3").exists());
}

/// Takes all that is left of a disk.
fn fill(disk: &Path) {
    let mut file = fs::File::create(disk.join("large")).unwrap();
    for piece in [64 << 10, 1 << 10] {
        while file.write_all(&vec![1; piece]).and_then(|()| file.sync_all()).is_ok() {}
    }
}

#[test]
fn full_disk_fails_registrations_before_anything_is_created() {
    let (_directory, home) = home();
    let (image, disk) = (home.file("image"), home.file("disk"));
    fs::create_dir(&disk).unwrap();
    fs::File::create(&image).unwrap().set_len(2 << 20).unwrap();
    let quietly = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    if !quietly(Command::new("mkfs.ext4").arg("-q").arg(&image))
        || !quietly(Command::new("mount").args(["-o", "loop"]).args([&image, &disk]))
    {
        eprintln!("SKIPPED: cannot mount a file system here");
        return;
    }
    let on_disk = Home { journal: disk.join("journal"), directory: home.directory.clone() };
    let outcome = std::panic::catch_unwind(|| {
        let (mut owner, first) = start(&on_disk.journal);
        assert_eq!(first, "ok 0");
        fill(&disk);
        no_room(&mut owner, &on_disk, "StorageFull");
        // Another one cannot even begin, and says so.
        let (_second, first) = start(&on_disk.journal);
        assert!(first.starts_with("error StorageFull"), "{first}");
        owner.kill();
        let recovery = recover_in(&on_disk.journal).unwrap();
        assert_eq!(recovery.performed.len(), 1, "{recovery}");
        assert!(on_disk.file("1").exists() && !on_disk.file("3").exists());
        assert_eq!(on_disk.segments(), NONE);
    });
    assert!(quietly(Command::new("umount").arg(&disk)));
    outcome.unwrap();
}
