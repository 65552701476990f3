use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::ladder::journal::segment::{hex, random};

/// A directory of its own for a test.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("backstop-{}", hex(&random().unwrap())));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let overlay = self.0.join("merged");
        if overlay.exists() {
            let _ = Command::new("umount").arg("-q").arg(overlay).status();
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// To be mapped, it must be readable.
fn create(path: &Path) -> OwnedFd {
    fs::File::options().read(true).write(true).create_new(true).open(path).unwrap().into()
}

/// Tries the lock as another process would.
fn is_locked(path: &Path) -> bool {
    let other = fs::File::open(path).unwrap();
    match flock(&other, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => false,
        Err(Errno::WOULDBLOCK) => true,
        Err(e) => panic!("{e}"),
    }
}

/// A mapping or a thread is freed a little after it was given up, and each child that this process
/// starts meanwhile, in another test, has the descriptors until it executes.
fn wait_until_free(path: &Path) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while is_locked(path) {
        assert!(std::time::Instant::now() < end);
        thread::yield_now();
    }
}

fn outlives_the_descriptor(path: &Path) {
    let file = create(path);
    let lock = Lock::take(&file).unwrap();
    drop(file);
    assert!(is_locked(path));
    drop(lock);
    wait_until_free(path);
}

#[test]
fn lock_outlives_its_descriptor() {
    let home = Home::new();
    outlives_the_descriptor(&home.0.join("file"));
}

#[test]
fn thread_holds_the_file_and_nothing_else() {
    let home = Home::new();
    let paths = ["1", "2", "3"].map(|name| home.0.join(name));
    let mut files = paths.each_ref().map(|path| (create(path), path));
    // The one that is held has others on either side of its number.
    files.sort_by_key(|(file, _)| file.as_raw_fd());
    for (file, _) in &files {
        flock(file, FlockOperation::NonBlockingLockExclusive).unwrap();
    }
    let [(low, before), (file, path), (high, after)] = files;
    let keeper = Keeper::start(&file).unwrap();
    drop((low, file, high));
    assert!(is_locked(path));
    wait_until_free(before);
    wait_until_free(after);
    drop(keeper);
    wait_until_free(path);
}

#[test]
fn lock_outlives_its_descriptor_on_an_overlay() {
    let home = Home::new();
    let [lower, upper, work, merged] =
        ["lower", "upper", "work", "merged"].map(|name| home.0.join(name));
    for directory in [&lower, &upper, &work, &merged] {
        fs::create_dir(directory).unwrap();
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        lower.display(),
        upper.display(),
        work.display()
    );
    let mounted = Command::new("mount")
        .args(["-t", "overlay", "overlay", "-o", &options])
        .arg(&merged)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("SKIPPED: cannot mount an overlay here");
        return;
    }
    outlives_the_descriptor(&merged.join("file"));
}
