//! Whose segments are replayed: the lock decides, and what it means in containers and forks.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use backstop::__private::journal::{recover_after_restart_in, recover_in};
use backstop_tests_ladder::journal::{Home, Owner};
use tempfile::TempDir;

const OWNER: &str = env!("CARGO_BIN_EXE_journal_owner");
const NONE: [PathBuf; 0] = [];

fn home() -> (TempDir, Home) {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let home = Home::new(directory.path());
    (directory, home)
}

fn owner(home: &Home) -> Owner {
    let (owner, first) = Owner::start(Command::new(OWNER).arg(&home.journal));
    assert_eq!(first, "ok 0");
    owner
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether `unshare` works with these options; says so if not.
fn can_unshare(options: &[&str]) -> bool {
    let can = Command::new("unshare")
        .args(options)
        .arg("true")
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !can {
        eprintln!("SKIPPED: `unshare {}` does not work here", options.join(" "));
    }
    can
}

/// A power cut loses what was not on the disk: that it was removed, for one.
#[test]
fn what_a_guard_removed_is_removed_again_if_a_restart_brings_it_back() {
    if !Path::new("/etc/machine-id").exists() {
        return eprintln!("SKIPPED: this machine cannot be told from others");
    }
    let (_directory, home) = home();
    let mut owner = owner(&home);
    let link = home.file("link");
    let file = owner.ask(format!("make-and-drop {} {}", home.directory.display(), link.display()));
    assert!(!Path::new(&file).exists());
    owner.kill();
    fs::hard_link(&link, &file).unwrap();
    let recovery = recover_after_restart_in(&home.journal).unwrap();
    assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (1, 0), "{recovery}");
    assert!(!Path::new(&file).exists() && link.exists());
    assert_eq!(fs::read_dir(&home.journal).unwrap().count(), 0);
}

/// It also loses that somebody else had taken it away.
#[test]
fn what_a_guard_left_to_a_stranger_is_removed_if_a_restart_gives_it_its_name_back() {
    if !Path::new("/etc/machine-id").exists() {
        return eprintln!("SKIPPED: this machine cannot be told from others");
    }
    let (_directory, home) = home();
    let mut owner = owner(&home);
    let link = home.file("link");
    let command = format!("make-lose-and-drop {} {}", home.directory.display(), link.display());
    let file = owner.ask(command);
    owner.kill();
    assert!(Path::new(&file).exists(), "it is the stranger's");
    fs::rename(&link, &file).unwrap();
    let recovery = recover_after_restart_in(&home.journal).unwrap();
    assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (1, 0), "{recovery}");
    assert!(!Path::new(&file).exists());
    assert_eq!(fs::read_dir(&home.journal).unwrap().count(), 0);
}

#[test]
fn next_start_removes_what_a_killed_owner_left_last_first() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    for key in 1..=3 {
        first.create(key, &home.file(&key.to_string()));
    }
    first.ask("forget 2");
    first.kill();
    let recovery = recover_in(&home.journal).unwrap();
    let order: Vec<_> = ["3", "1"].map(|name| home.file(name)).into();
    assert_eq!(recovery.performed.len(), 2, "{recovery}");
    for (performed, file) in recovery.performed.iter().zip(&order) {
        assert!(performed.contains(file.to_str().unwrap()), "{recovery}");
        assert!(!file.exists());
    }
    assert!(home.file("2").exists());
    assert_eq!(home.segments(), NONE);
    // The program's own start does the same.
    let mut second = owner(&home);
    second.create(1, &home.file("1"));
    second.create(2, &home.file("3"));
    second.kill();
    let (_third, performed) = Owner::start(Command::new(OWNER).arg(&home.journal));
    assert_eq!(performed, "ok 2");
    assert!(order.iter().all(|file| !file.exists()));
    assert!(home.file("2").exists());
}

#[test]
fn living_owner_is_never_replayed() {
    let (_directory, home) = home();
    let (mut first, mut second) = (owner(&home), owner(&home));
    first.create(1, &home.file("first"));
    second.create(1, &home.file("second"));
    assert_eq!(second.ask("recover"), "0");
    assert_eq!(recover_in(&home.journal).unwrap().owners_alive, 2);
    first.kill();
    assert_eq!(second.ask("recover"), "1");
    assert!(!home.file("first").exists() && home.file("second").exists());
}

#[test]
fn many_replays_at_once_perform_each_action_once() {
    let (_directory, home) = home();
    let mut owners: Vec<_> = (0..4).map(|_| owner(&home)).collect();
    for (number, owner) in owners.iter_mut().enumerate() {
        for key in 0..40 {
            owner.create(key, &home.file(&format!("{number}-{key}")));
        }
    }
    owners.into_iter().for_each(Owner::kill);
    let replays: Vec<_> = std::thread::scope(|s| {
        let replay = || recover_in(&home.journal).unwrap();
        let replays: Vec<_> = (0..4).map(|_| s.spawn(replay)).collect();
        replays.into_iter().map(|replay| replay.join().unwrap()).collect()
    });
    let performed: usize = replays.iter().map(|recovery| recovery.performed.len()).sum();
    assert_eq!(performed, 160);
    for recovery in replays {
        assert!(recovery.gone.is_empty() && recovery.failed.is_empty(), "{recovery}");
    }
    assert_eq!(home.segments(), NONE);
}

#[test]
fn replay_that_is_killed_is_continued() {
    let (_directory, home) = home();
    for round in 1..=10 {
        let mut first = owner(&home);
        // The names of the files are their numbers.
        for key in 0..300 {
            first.create(key, &home.file(&key.to_string()));
        }
        first.kill();
        let mut replay = Command::new(OWNER).arg(&home.journal).spawn().unwrap();
        // The last one is removed first.
        while home.file(&(300 - round * 29).to_string()).exists() {
            std::thread::yield_now();
        }
        replay.kill().unwrap();
        replay.wait().unwrap();
        let recovery = recover_in(&home.journal).unwrap();
        assert!(recovery.failed.is_empty(), "{recovery}");
        assert!((0..300).all(|key| !home.file(&key.to_string()).exists()), "{recovery}");
        assert_eq!(home.segments(), NONE);
    }
}

#[test]
fn owner_that_executed_another_program_is_gone() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.create(1, &home.file("1"));
    first.ask("execute");
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!(recovery.performed.len(), 1, "{recovery}");
    assert!(!home.file("1").exists());
}

#[test]
fn program_started_by_the_owner_does_not_keep_its_lock() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.create(1, &home.file("1"));
    let child = first.ask("sleep-in-child");
    first.kill();
    // It has its parent's memory, and the lock in that, until it has executed the program: a moment.
    let end = Instant::now() + Duration::from_secs(60);
    let recovery = loop {
        let recovery = recover_in(&home.journal).unwrap();
        if recovery.owners_alive == 0 || Instant::now() > end {
            break recovery;
        }
    };
    let child = rustix::process::Pid::from_raw(child.parse().unwrap()).unwrap();
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
    assert_eq!(recovery.performed.len(), 1, "{recovery}");
}

#[test]
fn forked_child_is_refused_and_the_parent_goes_on() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.create(1, &home.file("1"));
    let before = fs::read(home.segment()).unwrap();
    let said = first.ask(format!("fork {}", home.file("2").display()));
    assert!(said.contains("it is the parent's"), "{said}");
    assert!(fs::read(home.segment()).unwrap() == before);
    first.create(2, &home.file("2"));
}

#[test]
fn owner_whose_descriptors_were_closed_is_alive_and_registers_no_more() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.create(1, &home.file("1"));
    first.ask("close-descriptors");
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!(recovery.owners_alive, 1, "{recovery}");
    assert!(home.file("1").exists());
    let refused = first.tell(format!("create 2 {}", home.file("2").display()));
    assert!(refused.contains("closed the journal's descriptor"), "{refused}");
    assert!(!home.file("2").exists());
    first.kill();
    assert_eq!(recover_in(&home.journal).unwrap().performed.len(), 1);
    assert!(!home.file("1").exists());
}

#[test]
fn containers_with_the_same_process_number_are_told_apart_by_the_lock() {
    let options = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    if !can_unshare(&options) {
        return;
    }
    let (_directory, home) = home();
    let container = || {
        let mut command = Command::new("unshare");
        Owner::start(command.args(options).arg(OWNER).arg(&home.journal))
    };
    let (mut first, _) = container();
    first.create(1, &home.file("first"));
    let (mut second, performed) = container();
    assert_eq!(performed, "ok 0");
    second.create(1, &home.file("second"));
    assert_eq!(second.ask("recover"), "0");
    // Also for us, outside.
    assert_eq!(recover_in(&home.journal).unwrap().owners_alive, 2);
    first.die();
    assert_eq!(second.ask("recover"), "1");
    assert!(!home.file("first").exists() && home.file("second").exists());
    // The next start of the second one is another container, with the same directories.
    second.die();
    let (_third, performed) = container();
    assert_eq!(performed, "ok 1");
    assert!(!home.file("second").exists());
}

#[test]
fn owner_in_another_container_that_closed_its_descriptors_is_alive() {
    let options = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    if !can_unshare(&options) {
        return;
    }
    let (_directory, home) = home();
    let (mut first, _) =
        Owner::start(Command::new("unshare").args(options).arg(OWNER).arg(&home.journal));
    first.create(1, &home.file("1"));
    first.ask("close-descriptors");
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!((recovery.owners_alive, recovery.performed.len()), (1, 0), "{recovery}");
    assert!(home.file("1").exists());
    first.die();
    assert_eq!(recover_in(&home.journal).unwrap().performed.len(), 1);
    assert!(!home.file("1").exists());
}

#[test]
fn forked_process_that_closed_its_descriptors_keeps_what_it_may_use() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.create(1, &home.file("1"));
    first.ask("become-daemon");
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!((recovery.owners_alive, recovery.performed.len()), (1, 0), "{recovery}");
    assert!(home.file("1").exists());
}

#[test]
fn path_that_means_something_else_here_is_left_for_who_sees_it() {
    if !is_root() || !can_unshare(&["--mount"]) {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let (_directory, home) = home();
    let (hidden, journal) = (home.file("hidden"), &home.journal);
    fs::create_dir(&hidden).unwrap();
    fs::write(hidden.join("1"), b"a stranger's").unwrap();
    // There, another directory is over it.
    let other = home.file("other");
    fs::create_dir(&other).unwrap();
    let (mut first, _) = Owner::start(
        Command::new("unshare")
            .args(["--mount", "sh", "-c", "mount --bind \"$1\" \"$2\" && exec \"$3\" \"$4\"", "sh"])
            .args([&other, &hidden, Path::new(OWNER), journal]),
    );
    first.create(1, &hidden.join("1"));
    first.create(2, &home.file("2"));
    assert!(other.join("1").exists());
    first.kill();
    for _ in 0..2 {
        let recovery = recover_in(journal).unwrap();
        assert_eq!(recovery.left_alone.len(), 1, "{recovery}");
        assert!(recovery.left_alone[0].kept);
        assert!(recovery.left_alone[0].reason.contains("not mounted here"), "{recovery}");
        assert!(!home.file("2").exists(), "on the same mount in both");
        assert!(other.join("1").exists());
        assert_eq!(fs::read(hidden.join("1")).unwrap(), b"a stranger's");
    }
    // Where it means the same again, it is removed.
    let script = "mount --bind \"$1\" \"$2\" && exec \"$3\" \"$4\"";
    let (_second, performed) =
        Owner::start(Command::new("unshare").args(["--mount", "sh", "-c", script, "sh"]).args([
            &other,
            &hidden,
            Path::new(OWNER),
            journal,
        ]));
    assert_eq!(performed, "ok 1");
    assert!(!other.join("1").exists() && hidden.join("1").exists());
}

/// A memory filesystem over a directory, as long as this lives.
struct Mounted(PathBuf);

impl Mounted {
    fn over(directory: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "none"])
            .arg(directory)
            .stderr(std::process::Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        mounted.then(|| Self(directory.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn what_is_hidden_by_a_mount_stays_for_a_start_that_sees_it() {
    let (_directory, home) = home();
    let below = home.file("below");
    fs::create_dir(&below).unwrap();
    let mut first = owner(&home);
    first.create(1, &below.join("1"));
    first.create(2, &home.file("2"));
    first.kill();
    let Some(mounted) = Mounted::over(&below) else {
        eprintln!("SKIPPED: cannot mount a file system here");
        return;
    };
    for _ in 0..2 {
        let recovery = recover_in(&home.journal).unwrap();
        let [left] = &recovery.left_alone[..] else { panic!("{recovery}") };
        assert!(left.kept && left.reason.contains("not mounted any more"), "{recovery}");
        assert!(!home.file("2").exists(), "{recovery}");
        // The second time, there is a stranger's under the name.
        fs::write(below.join("1"), b"").unwrap();
    }
    drop(mounted);
    assert!(below.join("1").exists());
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!(recovery.performed.len(), 1, "{recovery}");
    assert!(!below.join("1").exists());
    assert_eq!(home.segments(), NONE);
}

#[test]
fn what_was_mounted_after_the_journal_was_opened_is_known_elsewhere() {
    if !is_root() || !can_unshare(&["--mount"]) {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let (_directory, home) = home();
    let late = home.file("late");
    fs::create_dir(&late).unwrap();
    let mut first = owner(&home);
    let Some(_mounted) = Mounted::over(&late) else {
        eprintln!("SKIPPED: cannot mount a file system here");
        return;
    };
    first.create(1, &late.join("1"));
    first.kill();
    // Where it is not mounted, it stays.
    let elsewhere = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh"]).args([
            &late,
            Path::new(OWNER),
            &home.journal,
        ]);
        Owner::start(&mut command).1
    };
    assert_eq!(elsewhere("umount \"$1\" && exec \"$2\" \"$3\""), "ok 0");
    assert!(late.join("1").exists());
    assert_eq!(elsewhere("exec \"$2\" \"$3\""), "ok 1");
    assert!(!late.join("1").exists());
}

#[test]
fn dropped_privileges_register_nothing_for_root_and_withdraw() {
    if !is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let (_directory, home) = home();
    let mut first = owner(&home);
    for key in 1..=2 {
        first.create(key, &home.file(&key.to_string()));
    }
    first.ask(format!("intend 3 {}", home.file("3").display()));
    for name in ["roots", "3"] {
        fs::write(home.file(name), b"root's").unwrap();
    }
    first.ask("become 65534");
    for refused in [format!("intend 4 {}", home.file("roots").display()), "commit 3".to_owned()] {
        let said = first.tell(refused);
        assert!(said.starts_with("error PermissionDenied"), "{said}");
        assert!(said.contains("runs as user 65534 and group 65534 now"), "{said}");
    }
    first.ask("forget 1");
    first.kill();
    let recovery = recover_in(&home.journal).unwrap();
    assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (1, 1), "{recovery}");
    assert!(["1", "3", "roots"].iter().all(|name| home.file(name).exists()), "{recovery}");
    assert!(!home.file("2").exists());
}

#[test]
fn thread_that_gave_up_rights_registers_no_program() {
    let (_directory, home) = home();
    let mut first = owner(&home);
    first.ask("intend-program 1");
    first.ask("give-up-rights");
    let said = first.tell("intend-program 2");
    assert!(said.starts_with("error PermissionDenied"), "{said}");
    assert!(said.contains("registers a program"), "{said}");
    first.create(3, &home.file("3"));
}

#[test]
fn program_with_more_rights_than_its_caller_has_no_journal() {
    if !is_root() {
        eprintln!("SKIPPED: needs root");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = directory.path().join("journal_owner");
    fs::copy(OWNER, &program).unwrap();
    chown(&program, Some(0), Some(0)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let home = Home::new(directory.path());
    let (_owner, first) =
        Owner::start(Command::new(&program).arg(&home.journal).uid(65534).gid(65534));
    assert!(!home.journal.exists(), "{first}");
    if !first.contains("more rights than its caller") {
        eprintln!("SKIPPED: set-user-id has no effect here: {first}");
    }
}
