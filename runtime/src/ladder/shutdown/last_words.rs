//! What is said on stderr when an end is forced: why, and what did not end by itself.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::main::{Body, Program};
use super::signals;
use crate::scope::live;

/// What is named of each kind, so that a thousand stuck threads do not bury the rest.
const NAMED: usize = 20;

/// Says why the end is forced, and what is left. Of the exit cleanups, `None` says that nobody knows.
pub(super) fn say(
    program: &Program,
    signal: Option<i32>,
    begun: Instant,
    cleanups: Option<Vec<String>>,
) {
    let mut lines = Lines::default();
    let why = signal.map_or("`backstop::exit`", signals::name);
    let since = seconds(begun.elapsed());
    lines.add(format_args!("ended by force, {since} after it was first asked to end ({why})"));
    if !program.main_has_ended() {
        say_of_main(&mut lines);
    }
    let children = live::children();
    lines.list("children of scopes", &children, |child| {
        let name = child.thread.name().unwrap_or("<unnamed>");
        let age = seconds(child.since.elapsed());
        format!("child `{name}` did not end, {age} after it was spawned at {}", child.location)
    });
    list_tasks(&mut lines);
    let threads = threads::others(children.iter().map(|child| child.id));
    lines.list("threads", &threads, |name| format!("thread `{name}` did not end"));
    match cleanups {
        Some(cleanups) => lines.list("exit cleanups", &cleanups, Clone::clone),
        None => lines.add(format_args!("not all exit cleanups ended")),
    }
    lines.print();
}

/// Says what is left of a `main` that has ended by itself.
#[cfg(feature = "tokio")]
pub(super) fn say_left_of_main(threads: usize, waited: Duration) {
    let mut lines = Lines::default();
    lines.add(format_args!(
        "`main` has ended, and tasks on {threads} of its runtime's threads did not end within \
         {waited:?}"
    ));
    list_tasks(&mut lines);
    lines.print();
}

fn say_of_main(lines: &mut Lines) {
    match Body::now() {
        Body::Running | Body::Leaving => lines.add(format_args!("`main` did not end")),
        Body::Dropped => lines.add(format_args!("`main` was dropped before it had ended")),
        #[cfg(feature = "tokio")]
        Body::Ended if super::tasks::are_running() => {
            lines.add(format_args!("`main` has ended, and its tasks did not"));
        }
        Body::Ended => {}
    }
}

#[cfg(feature = "tokio")]
fn list_tasks(lines: &mut Lines) {
    lines.list("tasks of scopes", &crate::scope::tasks::live::tasks(), |task| {
        let what = if task.is_blocking { "blocking task" } else { "task" };
        let name = task.name.as_deref().unwrap_or("<unnamed>");
        let age = seconds(task.since.elapsed());
        format!("{what} `{name}` did not end, {age} after it was spawned at {}", task.location)
    });
}

#[cfg(not(feature = "tokio"))]
fn list_tasks(_: &mut Lines) {}

fn seconds(time: Duration) -> String {
    format!("{:.1}s", time.as_secs_f64())
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, line: std::fmt::Arguments<'_>) {
        let mut text = String::new();
        let _ = write!(text, "{line}");
        // A name may hold anything, and logs are read by the line.
        let text = text.replace(|c: char| c.is_control(), "?");
        self.0.push(format!("backstop: {text}\n"));
    }

    fn list<T>(&mut self, what: &str, items: &[T], show: impl Fn(&T) -> String) {
        for item in items.iter().take(NAMED) {
            self.add(format_args!("{}", show(item)));
        }
        if let Some(more @ 1..) = items.len().checked_sub(NAMED) {
            self.add(format_args!("{more} more {what} did not end"));
        }
    }

    /// Without the lock of [`io::stderr`], which a stuck thread may hold.
    fn print(&self) {
        let text = self.0.concat();
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            match rustix::io::write(io::stderr(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod threads {
    //! The threads that no scope knows.

    use std::{fs, process};

    /// The names of all threads except the main one, these, and our own.
    pub(super) fn others(except: impl Iterator<Item = u32>) -> Vec<String> {
        let mut known: Vec<u32> = except.collect();
        known.push(process::id());
        let Ok(tasks) = fs::read_dir("/proc/self/task") else { return Vec::new() };
        let ids = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse::<u32>().ok());
        let others = ids.filter(|id| !known.contains(id));
        let names = others.filter_map(|id| fs::read(format!("/proc/self/task/{id}/comm")).ok());
        let names = names.map(|name| String::from_utf8_lossy(&name).trim_end().to_owned());
        names.filter(|name| !name.starts_with("backstop-")).collect()
    }
}

#[cfg(not(target_os = "linux"))]
mod threads {
    //! The threads that no scope knows: only Linux tells of them.

    pub(super) fn others(_: impl Iterator<Item = u32>) -> Vec<String> {
        Vec::new()
    }
}
