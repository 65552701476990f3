//! File systems that keep less of a thing than ext4 does.

use std::fs::{self, File};
use std::os::fd::AsFd as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::SystemTime;

use super::{Mount, Yard, committed, done, gone, hidden, left_alone, names};
use crate::ladder::action::Action;
use crate::ladder::action::identity::Identity;
use crate::ladder::action::open::look;

fn overlay(yard: &Yard) -> Option<Mount> {
    for name in ["lower/dir", "upper", "work", "merged"] {
        fs::create_dir_all(yard.at(name)).unwrap();
    }
    let at = |name: &str| yard.at(name).display().to_string();
    let options =
        format!("lowerdir={},upperdir={},workdir={}", at("lower"), at("upper"), at("work"));
    Mount::new(&["-t", "overlay", "overlay", "-o", &options], &yard.at("merged"))
}

/// What is committed is removed, what takes its place is not.
fn knows_its_own(yard: &Path) {
    let (dir, link) = (yard.join("own"), yard.join("link"));
    for _ in 0..10 {
        let make = || {
            fs::create_dir_all(dir.join("sub")).unwrap();
            symlink("nowhere", &link).unwrap();
        };
        make();
        let known =
            [committed(Action::remove_dir_all(&dir)), committed(Action::remove_file(&link))];
        fs::remove_dir_all(&dir).unwrap();
        fs::remove_file(&link).unwrap();
        make();
        for known in known {
            left_alone(known.perform());
        }
        let known =
            [committed(Action::remove_dir_all(&dir)), committed(Action::remove_file(&link))];
        for known in known {
            done(known.perform());
            gone(known.perform());
        }
    }
}

#[test]
fn overlays_and_memory_know_their_own() {
    let yard = Yard::new();
    if let Some(_mount) = overlay(&yard) {
        knows_its_own(&yard.at("merged"));
        assert_eq!(names(&yard.at("merged")), ["dir"]);
    }
    fs::create_dir(yard.at("memory")).unwrap();
    if let Some(_mount) = Mount::new(&["-t", "tmpfs", "tmpfs"], &yard.at("memory")) {
        knows_its_own(&yard.at("memory"));
        assert_eq!(names(&yard.at("memory")), [""; 0]);
    }
}

/// On an overlay, a link has no attribute and no handle. Once it is committed, whatever is born
/// later has another birth.
#[test]
fn a_birth_is_only_taken_when_its_tick_is_over() {
    let yard = Yard::new();
    let Some(_mount) = overlay(&yard) else { return };
    let path = yard.at("merged/link");
    symlink("nowhere", &path).unwrap();
    let parent = File::open(yard.at("merged")).unwrap();
    let seen = look(parent.as_fd(), "link".as_ref()).unwrap().unwrap();
    let identity = Identity::take(seen.fd.as_fd()).unwrap();
    assert_eq!(identity, identity.clone().without_mark());
    let born = fs::symlink_metadata(&path).unwrap().created().unwrap();
    let age = SystemTime::now().duration_since(born).unwrap();
    assert!(age.as_millis() >= 20, "{age:?}");
}

/// An overlay does not rename a directory of a layer below.
#[test]
fn what_cannot_be_renamed_is_reported_and_stays_whole() {
    let yard = Yard::new();
    let Some(_mount) = overlay(&yard) else { return };
    fs::write(yard.at("merged/dir/file"), "").unwrap();
    match committed(Action::remove_dir_all(yard.at("merged/dir"))).perform() {
        Err(error) => {
            assert!(error.to_string().contains("merged/dir\""), "{error}");
            assert_eq!(names(&yard.at("merged/dir")), ["file"]);
        }
        // With `redirect_dir`, it does.
        performed => done(performed),
    }
}

#[test]
fn a_file_system_that_is_gone_is_said_and_not_taken_for_success() {
    let yard = Yard::new();
    // Another file system than the directory's that it is mounted on.
    let Some(mount) = overlay(&yard) else { return };
    fs::create_dir(yard.at("merged/app")).unwrap();
    File::create(yard.at("merged/app/file")).unwrap();
    let prepared = committed(Action::remove_file(yard.at("merged/app/file")));
    drop(mount);
    assert!(hidden(prepared.perform()).contains("not mounted any more"));
    fs::create_dir(yard.at("merged/app")).unwrap();
    assert!(hidden(prepared.perform()).contains("not mounted any more"));
    // What has the name beneath is a stranger's.
    fs::write(yard.at("merged/app/file"), "").unwrap();
    assert!(hidden(prepared.perform()).contains("not mounted any more"));
    assert_eq!(names(&yard.at("merged/app")), ["file"]);
}

/// What a power cut leaves of a thing whose attribute had not come to the disk.
#[test]
fn what_has_lost_its_id_is_known_by_handle_and_birth_together() {
    let yard = Yard::new();
    let path = yard.at("dir");
    let make = || {
        fs::create_dir(&path).unwrap();
        let prepared = committed(Action::remove_dir_all(&path));
        rustix::fs::removexattr(&path, "user.backstop.id").map(|()| prepared)
    };
    let Ok(prepared) = make() else { return eprintln!("skipped: no user attributes on {path:?}") };
    let birth_is_known = fs::metadata(&path).unwrap().created().is_ok();
    let open = || File::open(&path).unwrap();
    if !birth_is_known || crate::ladder::action::call::file_handle(open().as_fd()).is_err() {
        return eprintln!("skipped: no handles or times of birth on {path:?}");
    }
    done(prepared.perform());
    for _ in 0..20 {
        let prepared = make().unwrap();
        fs::remove_dir(&path).unwrap();
        // On ext4 it has the same inode number, and often the same time of birth.
        fs::create_dir(&path).unwrap();
        left_alone(prepared.perform());
        fs::remove_dir(&path).unwrap();
    }
}
