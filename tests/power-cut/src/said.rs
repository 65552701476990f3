//! What the machine tells the harness, a line each, over its second serial port.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::termios::{OptionalActions, speed, tcdrain, tcgetattr, tcsetattr};
use serde::{Deserialize, Serialize};

/// Whose a thing is, by what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whose {
    /// Made by a helper of backstop's.
    Ours,
    /// The stranger's, with the number that it gave it.
    Stranger(u64),
    /// What it holds is not on the disk.
    Unknown,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Said {
    /// The number of this start of the kernel.
    Boot(String),
    /// What the replay of the journal did.
    Recovered {
        /// How many actions it performed.
        performed: usize,
        /// How many had nothing left to do.
        gone: usize,
        /// What failed.
        failed: Vec<String>,
        /// What was left alone: what it is, why, and whether it is for the next start.
        left: Vec<(String, String, bool)>,
    },
    /// The files in the journal's directory, the open segment's among them.
    Journal(Vec<String>),
    /// Something in the arena.
    Found(String, Whose),
    /// How much is left at the rung `kill`.
    LeftAtKill(usize),
    /// All was said that was found.
    Looked,
    /// Everything that lies in the arena is being removed.
    Clearing,
    /// Things are being made from here on.
    Working,
    /// The stranger is about to make something of this name.
    Making(String),
    /// The stranger has made it, and it is on the disk.
    Mine(String, u64),
    /// The stranger is about to remove it.
    Removing(String),
    /// A thing of ours is about to be kept.
    Keeping(String),
    /// It is kept for good, and on the disk.
    Kept(String),
    /// Memory is being used up.
    Hogging,
    /// The reaper was killed for memory, and this many milliseconds later there was another one.
    ReaperReplaced(u64),
    /// The program has ended: its signal, or else its exit status.
    Ended {
        /// The signal.
        signal: Option<i32>,
        /// The exit status.
        code: Option<i32>,
    },
    /// Something went wrong that should not.
    Failed(String),
}

impl Said {
    /// Says it. When this returns, it has left the machine.
    ///
    /// # Errors
    ///
    /// If the port does not work.
    pub fn say(&self) -> io::Result<()> {
        static PORT: OnceLock<Mutex<File>> = OnceLock::new();
        let port = match PORT.get() {
            Some(port) => port,
            None => {
                let port = open()?;
                PORT.get_or_init(|| Mutex::new(port))
            }
        };
        let line = format!("{}\n", serde_json::to_string(self)?);
        let mut port = port.lock().unwrap_or_else(PoisonError::into_inner);
        port.write_all(line.as_bytes())?;
        Ok(tcdrain(&*port)?)
    }
}

fn open() -> io::Result<File> {
    let port = OpenOptions::new().read(true).write(true).open("/dev/ttyS1")?;
    let mut settings = tcgetattr(&port)?;
    settings.make_raw();
    settings.set_speed(speed::B115200)?;
    tcsetattr(&port, OptionalActions::Now, &settings)?;
    Ok(port)
}
