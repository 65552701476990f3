//! Actions that another process performs: killed in the middle, short of descriptors, without
//! permissions, without `/proc`, in another namespace, beside a stranger.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use backstop::__private::action_door;
use backstop::Action;
use rustix::fs::{Mode, OFlags};
use tempfile::TempDir;

const PERFORM: &str = env!("CARGO_BIN_EXE_action_perform");
const NOBODY: u32 = 65_534;

/// A performer that has the action and is about to begin.
fn start(mut command: Command, encoded: &[u8]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    // Who makes its own action does not read it.
    let _ = child.stdin.take().unwrap().write_all(encoded);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (child, stdout)
}

/// How the performer says that it ended.
fn perform(command: Command, encoded: &[u8]) -> String {
    let (mut child, mut stdout) = start(command, encoded);
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    line.trim_end().to_owned()
}

fn performer() -> Command {
    Command::new(PERFORM)
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn tree(path: &Path) {
    for branch in 0..12 {
        let mut at = path.join(branch.to_string());
        for _ in 0..30 {
            at.push("d");
        }
        fs::create_dir_all(&at).unwrap();
        for file in 0..40 {
            File::create(path.join(format!("{branch}/{file}"))).unwrap();
            File::create(at.join(file.to_string())).unwrap();
        }
    }
}

/// Numbers that differ from turn to turn and from run to run.
fn random_per_mille() -> u32 {
    use std::hash::{BuildHasher as _, RandomState};
    u32::try_from(RandomState::new().hash_one(0) % 1_000).unwrap()
}

#[test]
fn a_removal_killed_at_any_instant_is_completed_by_the_next() {
    let yard = TempDir::new().unwrap();
    let path = yard.path().join("dir");
    tree(&path);
    let encoded = action_door::encode(Action::remove_dir_all(&path), true).unwrap();
    let began = Instant::now();
    assert_eq!(perform(performer(), &encoded), "done");
    let mut duration = began.elapsed();

    let (mut turns, mut interrupted) = (0, 0);
    let enough = |interrupted, began: Instant| match interrupted {
        30.. => true,
        // On a busy machine, a turn takes a second.
        3.. => began.elapsed() > Duration::from_secs(60),
        _ => false,
    };
    while !enough(interrupted, began) {
        turns += 1;
        assert!(turns < 2_000, "{interrupted} of {turns} kills came in time");
        tree(&path);
        let encoded = action_door::encode(Action::remove_dir_all(&path), true).unwrap();
        let (mut child, _stdout) = start(performer(), &encoded);
        thread::sleep(duration * random_per_mille() / 1_000);
        child.kill().unwrap();
        let killed = child.wait().unwrap().signal() == Some(9);
        let left = names(yard.path());
        interrupted += u32::from(killed && left.iter().any(|name| name.starts_with(".backstop-")));
        // The machine is faster or slower than it was.
        if left.is_empty() {
            duration = duration * 9 / 10;
        } else if left == ["dir"] {
            duration = duration * 11 / 10;
        }
        // A stranger takes the name as soon as it is free.
        let taken = fs::create_dir(&path).is_ok();
        let ended = perform(performer(), &encoded);
        if taken {
            assert!(ended == "done" || ended.starts_with("left alone: "), "{ended}");
            assert_eq!(names(yard.path()), ["dir"]);
            fs::remove_dir(&path).unwrap();
        } else {
            assert_eq!(ended, "done");
        }
        assert_eq!(names(yard.path()), [""; 0]);
    }
    eprintln!("{interrupted} of {turns} kills came in the middle of a removal");
}

fn dig(path: &Path, levels: usize) {
    fs::create_dir(path).unwrap();
    let mut at = std::os::fd::OwnedFd::from(File::open(path).unwrap());
    for _ in 0..levels {
        rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        at = rustix::fs::openat(&at, "d", flags, Mode::empty()).unwrap();
    }
}

#[test]
fn three_thousand_levels_need_few_descriptors() {
    // 12: not even what the walk holds open otherwise.
    for limit in ["64", "12"] {
        let yard = TempDir::new().unwrap();
        let path = yard.path().join("dir");
        dig(&path, 3_000);
        let encoded = action_door::encode(Action::remove_dir_all(&path), true).unwrap();
        let mut poor = performer();
        poor.env("NOFILE", limit);
        assert_eq!(perform(poor, &encoded), "done");
        assert_eq!(names(yard.path()), [""; 0]);
    }
}

#[test]
fn descriptors_are_not_used_up_where_there_are_many() {
    let yard = TempDir::new().unwrap();
    let path = yard.path().join("dir");
    dig(&path, 3_000);
    let encoded = action_door::encode(Action::remove_dir_all(&path), true).unwrap();
    let (mut child, _stdout) = start(performer(), &encoded);
    let open = format!("/proc/{}/fd", child.id());
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = most.max(fs::read_dir(&open).map_or(0, Iterator::count));
    }
    eprintln!("{most} descriptors at once");
    assert!(most <= 32, "{most}");
    assert_eq!(names(yard.path()), [""; 0]);
}

/// A performer whom permissions stop, in a directory of its own; `None` where we cannot be another
/// user.
fn nobody() -> Option<(TempDir, PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can be nobody");
        return None;
    }
    let yard = TempDir::new().unwrap();
    let program = yard.path().join("perform");
    fs::copy(PERFORM, &program).unwrap();
    fs::set_permissions(yard.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = yard.path().join("home");
    fs::create_dir(&home).unwrap();
    chown(&home, Some(NOBODY), Some(NOBODY)).unwrap();
    if !Command::new(&program)
        .arg("probe")
        .uid(NOBODY)
        .gid(NOBODY)
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"ready\n")
    {
        eprintln!("skipped: nobody cannot run {}", program.display());
        return None;
    }
    Some((yard, program))
}

fn as_nobody(program: &Path, arguments: [&OsStr; 2]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).uid(NOBODY).gid(NOBODY);
    command
}

#[test]
fn permissions_are_no_obstacle_to_the_owner() {
    let Some((yard, program)) = nobody() else { return };
    let home = yard.path().join("home");
    let dir = home.join("dir");
    // So deep that some are moved up, which takes write permission on each of them.
    let deep = (0..60).fold(dir.join("deep"), |path, _| path.join("d"));
    for path in ["locked/inner/more", "read-only/inner/more", "no-search/inner"] {
        fs::create_dir_all(dir.join(path)).unwrap();
        File::create(dir.join(path).join("file")).unwrap();
    }
    fs::create_dir_all(&deep).unwrap();
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    assert!(
        Command::new("chown")
            .arg("-R")
            .arg(NOBODY.to_string())
            .arg(&dir)
            .status()
            .unwrap()
            .success()
    );
    for (path, bits) in [
        ("locked/inner", 0),
        ("locked", 0),
        ("read-only/inner", 0o500),
        ("read-only", 0o500),
        ("no-search", 0o400),
    ] {
        mode(&dir.join(path), bits);
    }
    let mut at = deep;
    while at != dir {
        mode(&at, 0o500);
        at.pop();
    }
    mode(&dir, 0o100);
    assert_eq!(perform(as_nobody(&program, ["dir".as_ref(), dir.as_ref()]), b""), "done");
    assert_eq!(names(&home), [""; 0]);
}

/// The attribute needs write permission: something else must stand in for it.
#[test]
fn a_file_that_cannot_be_marked_is_known_all_the_same() {
    let Some((yard, program)) = nobody() else { return };
    let file = yard.path().join("home/file");
    File::create(&file).unwrap();
    chown(&file, Some(NOBODY), Some(NOBODY)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(perform(as_nobody(&program, ["file".as_ref(), file.as_ref()]), b""), "done");
    assert!(!file.exists());
}

#[test]
fn what_belongs_to_others_is_reported_and_the_rest_goes() {
    let Some((yard, program)) = nobody() else { return };
    let dir = yard.path().join("home/dir");
    fs::create_dir_all(dir.join("theirs")).unwrap();
    fs::write(dir.join("theirs/file"), "precious").unwrap();
    fs::write(dir.join("ours"), "").unwrap();
    chown(&dir, Some(NOBODY), Some(NOBODY)).unwrap();
    let mut command = as_nobody(&program, ["dir".as_ref(), dir.as_ref()]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("theirs"), "{error}");
    assert_eq!(names(&dir), ["theirs"]);
    assert_eq!(fs::read_to_string(dir.join("theirs/file")).unwrap(), "precious");
}

fn can_unshare(flags: &[&str]) -> bool {
    let can = Command::new("unshare").args(flags).arg("true").stderr(Stdio::null()).status();
    let can = can.is_ok_and(|status| status.success());
    if !can {
        eprintln!("skipped: `unshare {}` is not permitted", flags.join(" "));
    }
    can
}

#[test]
fn without_proc_a_thing_is_known_and_removed() {
    if !can_unshare(&["-m"]) {
        return;
    }
    let yard = TempDir::new().unwrap();
    let path = yard.path().join("dir");
    fs::create_dir_all(path.join("sub/sub")).unwrap();
    let mut command = Command::new("unshare");
    let script = "umount -l /proc && ! test -e /proc/self && exec \"$@\"";
    command.args(["-m", "sh", "-c", script, "sh", PERFORM, "dir"]).arg(&path);
    assert_eq!(perform(command, b""), "done");
    assert_eq!(names(yard.path()), [""; 0]);
}

#[test]
fn another_process_ends_a_child_of_ours() {
    let mut child = Command::new("sleep").arg("100").process_group(0).spawn().unwrap();
    let encoded = action_door::encode(Action::kill_process_group(child.id()), true).unwrap();
    if can_unshare(&["-p", "-f", "--mount-proc"]) {
        // There, the number may be another's.
        let mut elsewhere = Command::new("unshare");
        elsewhere.args(["-p", "-f", "--mount-proc", PERFORM]);
        let ended = perform(elsewhere, &encoded);
        assert!(ended.contains("another pid namespace"), "{ended}");
        assert!(child.try_wait().unwrap().is_none());
    }
    assert_eq!(perform(performer(), &encoded), "done");
    assert_eq!(child.wait().unwrap().signal(), Some(15));
    assert_eq!(perform(performer(), &encoded), "gone");
}

/// A stranger keeps taking the name, with links to what is not ours and with directories.
#[test]
fn a_stranger_that_swaps_names_all_the_while_loses_nothing() {
    let yard = TempDir::new().unwrap();
    let at = |name: &str| yard.path().join(name);
    fs::create_dir(at("victim")).unwrap();
    fs::write(at("victim/file"), "precious").unwrap();
    let (path, aside) = (at("dir"), at("aside"));
    let over = AtomicBool::new(false);
    let mut ends = [0; 3];
    thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            let mut made = 0_u32;
            while !over.load(Ordering::Acquire) {
                // Steps that others may foil: each may fail.
                let _ = fs::rename(&path, &aside);
                let _ = symlink("victim", &path);
                let _ = fs::remove_file(&path);
                let theirs = at(&format!("theirs-{made}"));
                fs::create_dir(&theirs).unwrap();
                fs::write(theirs.join("file"), "precious").unwrap();
                made += 1;
                let flags = rustix::fs::RenameFlags::NOREPLACE;
                let _ = rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &theirs,
                    rustix::fs::CWD,
                    &path,
                    flags,
                );
                let _ = rustix::fs::renameat_with(
                    rustix::fs::CWD,
                    &path,
                    rustix::fs::CWD,
                    &theirs,
                    flags,
                );
                let _ = fs::rename(&aside, &path);
            }
            made
        });
        let began = Instant::now();
        // Until each end was seen, however busy the machine is.
        while began.elapsed() < Duration::from_secs(5)
            || ends.contains(&0) && began.elapsed() < Duration::from_secs(60)
        {
            // Made aside, so that it is ours that is committed.
            let mine = at("mine");
            fs::create_dir_all(mine.join("sub")).unwrap();
            let fd = File::open(&mine).unwrap();
            let encoded = action_door::encode_fd(Action::remove_dir_all(&path), &fd).unwrap();
            let _ = fs::rename(&mine, &path);
            for _ in 0..20 {
                match action_door::perform(&encoded).as_deref() {
                    Ok("done") => ends[0] += 1,
                    Ok("gone") => ends[1] += 1,
                    Ok(_) | Err(_) => ends[2] += 1,
                }
            }
        }
        over.store(true, Ordering::Release);
        let made = stranger.join().unwrap();
        eprintln!("done, gone, left or failed: {ends:?}; {made} directories of the stranger");
        assert!(ends.iter().all(|ends| *ends > 0), "{ends:?}");
        assert_eq!(fs::read_to_string(at("victim/file")).unwrap(), "precious");
        let precious = fs::read_dir(yard.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path().join("file").exists())
            .count();
        // And the victim's.
        assert_eq!(precious, made as usize + 1);
    });
}
