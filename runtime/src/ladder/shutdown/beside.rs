//! What `#[backstop::main]` starts beside the program, where it is asked to: reaper and journal.

use std::io;

use super::main::Options;

/// This process may be the reaper of another one, which executed its own program; or process 1 of a
/// container, and is not to be the program then. Before there are threads, which would take signals
/// that are for process 1.
pub(super) fn before_anything(options: Options) -> Result<(), (&'static str, io::Error)> {
    if options.reaper {
        imp::become_what_it_is().map_err(|error| ("cannot be process 1", error))?;
    }
    Ok(())
}

/// Starts the reaper and opens the journal; on an error, says of what.
pub(super) fn start(options: Options) -> Result<(), (&'static str, io::Error)> {
    if options.reaper {
        imp::start_reaper().map_err(|error| ("cannot start the reaper", error))?;
    }
    if let Some(path) = options.journal {
        imp::open_journal(path).map_err(|error| ("cannot open the journal", error))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
mod imp {
    use std::io::{self, Write as _};
    use std::path::Path;

    use crate::ladder::{journal, reaper};

    pub(super) fn become_what_it_is() -> io::Result<()> {
        reaper::if_reaper_then_serve();
        reaper::if_process_1_then_init()
    }

    pub(super) fn start_reaper() -> io::Result<()> {
        reaper::start_from_main()
    }

    pub(super) fn open_journal(path: &str) -> io::Result<()> {
        let path = (!path.is_empty()).then(|| Path::new(path));
        let recovery = journal::open_for_main(path)?;
        let text = recovery.to_string();
        // One write a line: other processes may write to the same log.
        for line in text.lines() {
            let _ = writeln!(io::stderr(), "backstop: {line}");
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use std::io;

    pub(super) fn become_what_it_is() -> io::Result<()> {
        Ok(())
    }

    pub(super) fn start_reaper() -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there is one on Linux only"))
    }

    pub(super) fn open_journal(_: &str) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "there is one on Linux only"))
    }
}
