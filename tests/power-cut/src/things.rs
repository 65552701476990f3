//! Those who make and remove things on the machine's disk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use backstop::{OwnedPath, Survives, create_dir, create_file, create_socket, scratch};
use fastrand::Rng;

use crate::known::NAMES;
use crate::look::{ARENA, LABEL, MARK, OURS, TAKEN, on_disk};
use crate::said::Said;

/// At most this many things of a maker's are there at once.
const HELD: usize = 12;

/// Makes things by backstop's helpers, at the rung `reboot`.
#[derive(Debug)]
pub struct Maker {
    random: Rng,
    held: Vec<Held>,
    /// How the names of what is kept begin.
    prefix: String,
    kept: u64,
    /// Whether it seldom waits for the disk: what it has done is lost for longer then.
    calm: bool,
}

/// Something that is removed when this is dropped.
type Held = Box<dyn std::any::Any + Send>;

impl Maker {
    /// One whose kept things have names of their own.
    #[must_use]
    pub fn new(random: Rng, prefix: String, calm: bool) -> Self {
        Self { random, held: Vec::new(), prefix, kept: 0, calm }
    }

    /// Makes or removes something.
    ///
    /// # Errors
    ///
    /// If that fails otherwise than by the stranger's doing.
    pub fn turn(&mut self) -> io::Result<()> {
        if self.random.usize(0..HELD) < self.held.len() {
            let which = self.random.usize(0..self.held.len());
            drop(self.held.swap_remove(which));
            return Ok(());
        }
        match self.make() {
            // The stranger has the name, or the directory was taken before it had its label.
            Err(e) if matches!(e.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => Ok(()),
            made => made,
        }
    }

    fn make(&mut self) -> io::Result<()> {
        let path = Path::new(ARENA).join(self.random.choice(NAMES).unwrap_or("n0"));
        let what = match self.random.u8(0..8) {
            what @ 6.. if self.calm && self.random.u8(0..16) > 0 => what - 6,
            what => what,
        };
        let held: Held = match what {
            0 => Box::new(label_dir(scratch::dir_in(ARENA, Survives::Reboot)?)?),
            1 => Box::new(label_file(scratch::file_in(ARENA, Survives::Reboot)?)?),
            2 | 3 => Box::new(label_dir(create_dir(path, Survives::Reboot)?)?),
            4 => Box::new(label_file(create_file(path, Survives::Reboot)?)?),
            5 => Box::new(create_socket(path, Survives::Reboot)?),
            6 => return self.keep(),
            // Somebody else's write: what was made so far comes to the disk.
            _ => return on_disk(ARENA),
        };
        self.held.push(held);
        Ok(())
    }

    fn keep(&mut self) -> io::Result<()> {
        let name = format!("{}-{}", self.prefix, self.kept);
        self.kept += 1;
        let file = label_file(create_file(Path::new(ARENA).join(&name), Survives::Reboot)?)?;
        file.sync_all()?;
        on_disk(ARENA)?;
        Said::Keeping(name.clone()).say()?;
        let _ = file.keep();
        Said::Kept(name).say()
    }
}

/// The stranger may have put a directory of its own in the place of ours, which is not to be labelled.
fn label_dir(dir: OwnedPath) -> io::Result<OwnedPath> {
    let open = File::open(dir.path())?;
    if !open.metadata()?.is_dir() || rustix::fs::fgetxattr(&open, MARK, &mut [0_u8; 16]).is_err() {
        return Err(ErrorKind::NotFound.into());
    }
    let inside = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string());
    fs::write(inside.join(LABEL), OURS)?;
    fs::create_dir(inside.join("below"))?;
    Ok(dir)
}

fn label_file(mut file: OwnedPath<File>) -> io::Result<OwnedPath<File>> {
    file.write_all(OURS.as_bytes())?;
    Ok(file)
}

/// Takes the same names without backstop, and counts what it has.
#[derive(Debug)]
pub struct Stranger {
    random: Rng,
    seed: u64,
    number: u64,
    mine: BTreeMap<&'static str, PathBuf>,
}

impl Stranger {
    /// One that has nothing.
    #[must_use]
    pub fn new(random: Rng, seed: u64) -> Self {
        Self { random, seed, number: 0, mine: BTreeMap::new() }
    }

    /// Takes a name, or gives one up.
    ///
    /// # Errors
    ///
    /// If that fails otherwise than by the maker's doing.
    pub fn turn(&mut self) -> io::Result<()> {
        let name = self.random.choice(NAMES).unwrap_or("n0");
        if let Some(path) = self.mine.remove(name) {
            Said::Removing(name.to_owned()).say()?;
            return if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        self.number += 1;
        let path = Path::new(ARENA).join(name);
        if self.random.bool() {
            // What the maker has there, if it has anything.
            let taken = Path::new(TAKEN).join(format!("{}-{}", self.seed, self.number));
            let _ = fs::rename(&path, taken);
        }
        Said::Making(name.to_owned()).say()?;
        let made = if self.random.bool() { self.make_dir(&path) } else { self.make_file(&path) };
        match made {
            Ok(()) => {
                on_disk(ARENA)?;
                Said::Mine(name.to_owned(), self.number).say()?;
                self.mine.insert(name, path);
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
        }
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)?;
        self.label(File::create_new(path.join(LABEL))?)?;
        File::open(path)?.sync_all()
    }

    fn make_file(&self, path: &Path) -> io::Result<()> {
        self.label(File::create_new(path)?)
    }

    fn label(&self, mut file: File) -> io::Result<()> {
        file.write_all(self.number.to_string().as_bytes())?;
        file.sync_all()
    }
}
