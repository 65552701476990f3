//! Waits until somebody else has removed something.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;

/// Whether `path` goes within `limit`.
///
/// # Errors
///
/// If the directory that it is in cannot be watched.
pub fn within(path: &Path, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    let flags = inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK;
    let watch = inotify::init(flags)?;
    let parent = path.parent().unwrap_or(Path::new("/"));
    let events = inotify::WatchFlags::DELETE | inotify::WatchFlags::MOVED_FROM;
    inotify::add_watch(&watch, parent, events)?;
    loop {
        if path.symlink_metadata().is_err() {
            return Ok(true);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        let left = Timespec::try_from(left).ok();
        match poll(&mut [PollFd::new(&watch, PollFlags::IN)], left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        // What it says is not read closely: the look at the path decides.
        let _ = rustix::io::read(&watch, &mut [0_u8; 4096]);
    }
}
