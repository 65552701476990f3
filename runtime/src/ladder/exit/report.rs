//! The last report: what the exit hook ran, and what did not end.

use std::fmt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::site::Site;

/// More lines than this help nobody who reads a log.
const LINES: usize = 20;

/// What the exit hook did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    /// How many cleanups it ran, the failed ones included: those are events of their own.
    pub(crate) ran: usize,
    /// What did not end, last registered first.
    pub(crate) unfinished: Vec<Unfinished>,
    /// How many parts of the registry stayed locked by a thread that did not go on.
    pub(crate) locked: usize,
    /// The time that there was.
    pub(crate) limit: Duration,
}

/// A cleanup that did not end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unfinished {
    pub(crate) site: &'static Site,
    /// Whether it began.
    pub(crate) began: bool,
}

impl Report {
    /// Whether everything ended.
    pub(crate) fn is_complete(&self) -> bool {
        self.unfinished.is_empty() && self.locked == 0
    }

    /// Writes to stderr what did not end, if anything. Takes no lock, for a thread that aborted may
    /// hold it, and drops what a reader who has stopped would make it wait for.
    pub(crate) fn print(&self) {
        if !self.is_complete() {
            self.to_string().lines().all(print_line);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unfinished, locked, limit, .. } = self;
        for Unfinished { site, began } in unfinished.iter().take(LINES) {
            let what = if *began { "did not end" } else { "was not begun" };
            let Site { name, location, .. } = site;
            writeln!(f, "cleanup `{name}` at {location} {what} within {limit:?}")?;
        }
        if let Some(more @ 1..) = unfinished.len().checked_sub(LINES) {
            writeln!(f, "{more} more cleanups did not end within {limit:?}")?;
        }
        if *locked > 0 {
            writeln!(f, "cleanups may be left: a thread ended while it registered one")?;
        }
        Ok(())
    }
}

fn print_line(line: &str) -> bool {
    // A pipe that polls as writable takes this much at once.
    const WHOLE: usize = 512;
    const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    let line = format!("backstop: exit: {line}\n");
    let stderr = rustix::stdio::stderr();
    line.as_bytes().chunks(WHOLE).all(|part| {
        let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
        poll(&mut ready, Some(&PATIENCE)).is_ok_and(|ready| ready > 0)
            && rustix::io::write(stderr, part).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static SITE: Site = Site::new("scratch");

    #[test]
    fn a_report_names_what_did_not_end_and_where_it_was_declared() {
        let unfinished =
            [true, false].map(|began| Unfinished { site: &SITE, began }).into_iter().collect();
        let limit = Duration::from_millis(1500);
        let report = Report { unfinished, limit, ..Report::default() };
        let place = SITE.location;
        assert_eq!(
            report.to_string(),
            format!(
                "cleanup `scratch` at {place} did not end within 1.5s\n\
                 cleanup `scratch` at {place} was not begun within 1.5s\n"
            )
        );
    }

    #[test]
    fn a_long_report_is_cut_and_says_so() {
        let unfinished = vec![Unfinished { site: &SITE, began: false }; LINES + 3];
        let report = Report { unfinished, ..Report::default() }.to_string();
        assert_eq!(report.lines().count(), LINES + 1);
        assert!(report.contains("3 more cleanups"), "{report}");
    }
}
