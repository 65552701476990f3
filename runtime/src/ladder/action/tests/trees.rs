//! Directories that resist.

use std::fs::{self, File};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::{Mount, Yard, committed, done, left_alone};
use crate::ladder::action::deadline::Deadline;
use crate::ladder::action::open::Opener;
use crate::ladder::action::remove::{Removal, Thing};
use crate::ladder::action::{Action, Performed};

/// Descends `depth` levels of `d`, each with a file beside it.
fn dig(path: &Path, depth: usize) {
    fs::create_dir(path).unwrap();
    let mut at = OwnedFd::from(File::open(path).unwrap());
    for _ in 0..depth {
        rustix::fs::mkdirat(&at, "d", Mode::RWXU).unwrap();
        let flags = OFlags::CREATE | OFlags::WRONLY;
        drop(rustix::fs::openat(&at, "f", flags, Mode::RUSR).unwrap());
        at = rustix::fs::openat(&at, "d", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())
            .unwrap();
    }
}

#[test]
fn three_thousand_levels_are_removed() {
    for openat2 in [true, false] {
        let yard = Yard::new();
        dig(&yard.at("deep"), 3_000);
        let mut removal = Removal::new(Thing::Directory, &yard.at("deep")).unwrap();
        removal.commit().unwrap();
        done(removal.perform_with(Opener { openat2 }, Deadline::after(Duration::from_secs(120))));
        assert_eq!(yard.names(), [""; 0]);
    }
}

#[test]
fn many_deep_branches_and_wide_directories_are_removed() {
    let yard = Yard::new();
    fs::create_dir(yard.at("tree")).unwrap();
    for branch in 0..20 {
        dig(&yard.at(format!("tree/{branch}")), 60);
    }
    for file in 0..5_000 {
        File::create(yard.at(format!("tree/0/d/{file}"))).unwrap();
    }
    done(committed(Action::remove_dir_all(yard.at("tree"))).perform());
    assert_eq!(yard.names(), [""; 0]);
}

/// With the directory's descriptor, so that the rename does not stop it.
#[test]
fn an_owner_that_keeps_writing_is_outlasted() {
    for _ in 0..5 {
        let yard = Yard::new();
        fs::create_dir_all(yard.at("dir/sub")).unwrap();
        let prepared = committed(Action::remove_dir_all(yard.at("dir")));
        let written = AtomicBool::new(false);
        let sub = File::open(yard.at("dir/sub")).unwrap();
        let dir = File::open(yard.at("dir")).unwrap();
        thread::scope(|scope| {
            let write = |at: &File| {
                // An end, or who is faster than the removal on a busy machine never comes to one.
                for number in 0..5_000 {
                    let flags = OFlags::CREATE | OFlags::WRONLY;
                    if rustix::fs::openat(at, number.to_string(), flags, Mode::RUSR).is_err() {
                        break;
                    }
                    written.store(true, Ordering::Release);
                }
            };
            scope.spawn(move || write(&sub));
            scope.spawn(move || write(&dir));
            while !written.load(Ordering::Acquire) {
                thread::yield_now();
            }
            done(prepared.perform());
        });
        assert_eq!(yard.names(), [""; 0]);
    }
}

#[test]
fn time_that_runs_out_is_an_error_and_the_rest_keeps_its_name() {
    let yard = Yard::new();
    fs::create_dir_all(yard.at("dir/sub")).unwrap();
    let action = Action::remove_dir_all(yard.at("dir"));
    let mut prepared = action.with_timeout(Duration::ZERO).prepare().unwrap();
    prepared.commit().unwrap();
    let error = prepared.perform().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("/dir\": there was no time"), "{error}");
    assert_eq!(yard.names(), ["dir"]);
    done(committed(Action::remove_dir_all(yard.at("dir"))).perform());
}

#[test]
fn permissions_are_no_obstacle_to_the_owner() {
    let yard = Yard::new();
    fs::create_dir_all(yard.at("dir/locked/inner/deep")).unwrap();
    fs::create_dir_all(yard.at("dir/read-only/inner")).unwrap();
    for (path, mode) in
        [("dir/locked/inner", 0), ("dir/locked", 0), ("dir/read-only", 0o500), ("dir", 0o400)]
    {
        fs::set_permissions(yard.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    // Root is not stopped by permissions; `tests/ladder` has the same for another user.
    done(committed(Action::remove_dir_all(yard.at("dir"))).perform());
    assert_eq!(yard.names(), [""; 0]);
}

#[test]
fn several_performers_at_once_leave_nothing() {
    for turn in 0..20 {
        let yard = Yard::new();
        dig(&yard.at("dir"), 40 + turn);
        for file in 0..200 {
            File::create(yard.at(format!("dir/d/{file}"))).unwrap();
        }
        let prepared = committed(Action::remove_dir_all(yard.at("dir")));
        let performed: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| prepared.perform().unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(performed.contains(&Performed::Done), "{performed:?}");
        assert!(!performed.iter().any(|one| matches!(one, Performed::LeftAlone(_))));
        assert_eq!(yard.names(), [""; 0]);
    }
}

#[test]
fn what_is_mounted_inside_is_not_entered() {
    for openat2 in [true, false] {
        let yard = Yard::new();
        fs::create_dir(yard.at("victim")).unwrap();
        fs::write(yard.at("victim/file"), "precious").unwrap();
        fs::write(yard.at("single"), "precious").unwrap();
        fs::create_dir_all(yard.at("dir/a/mount")).unwrap();
        fs::write(yard.at("dir/a/beside"), "").unwrap();
        fs::write(yard.at("dir/b"), "").unwrap();
        let mut removal = Removal::new(Thing::Directory, &yard.at("dir")).unwrap();
        removal.commit().unwrap();
        let Some(mount) = Mount::bind(&yard.at("victim"), &yard.at("dir/a/mount")) else {
            return;
        };
        let perform =
            || removal.perform_with(Opener { openat2 }, Deadline::after(Duration::from_secs(120)));
        let why = left_alone(perform());
        assert!(why.contains("\"a/mount\""), "{why}");
        assert_eq!(fs::read_to_string(yard.at("victim/file")).unwrap(), "precious");
        assert_eq!(super::names(&yard.at("dir")), ["a"]);
        assert_eq!(super::names(&yard.at("dir/a")), ["mount"]);
        // A single file, mounted over another.
        fs::write(yard.at("dir/c"), "").unwrap();
        let single = Mount::bind(&yard.at("single"), &yard.at("dir/c")).unwrap();
        left_alone(perform());
        assert_eq!(fs::read_to_string(yard.at("single")).unwrap(), "precious");
        drop(single);
        drop(mount);
        done(perform());
        assert_eq!(yard.names(), ["single", "victim"]);
    }
}

#[test]
fn what_is_mounted_on_the_directory_itself_is_not_touched() {
    let yard = Yard::new();
    fs::create_dir_all(yard.at("victim/sub")).unwrap();
    fs::create_dir(yard.at("dir")).unwrap();
    let prepared = committed(Action::remove_dir_all(yard.at("dir")));
    let Some(mount) = Mount::bind(&yard.at("victim"), &yard.at("dir")) else {
        return;
    };
    left_alone(prepared.perform());
    let by_name = Action::remove_dir_all(yard.at("dir")).prepare().unwrap().ours();
    assert!(left_alone(by_name.perform()).contains("mounted"));
    assert!(yard.at("victim/sub").exists());
    drop(mount);
    done(prepared.perform());
}

/// The last way to tell a mount, where `statx` does not say.
#[test]
fn descriptors_know_the_same_walk_without_openat2() {
    let yard = Yard::new();
    fs::create_dir(yard.at("dir")).unwrap();
    let parent = File::open(&yard.path).unwrap();
    for openat2 in [true, false] {
        let opener = Opener { openat2 };
        opener.child(parent.as_fd(), "dir").unwrap();
        opener.directory(&yard.at("dir")).unwrap();
        std::os::unix::fs::symlink("dir", yard.at("link")).unwrap();
        opener.child(parent.as_fd(), "link").unwrap_err();
        opener.directory(&yard.at("link")).unwrap_err();
        fs::remove_file(yard.at("link")).unwrap();
    }
}
