//! The stranger: has files, directories and links of its own in the directories in which
//! `kill_churn` works, takes the names that it wants, moves its things away, and swaps them for its
//! own. It counts its own things: none may ever be removed by anybody else.
//!
//! Its arguments are the arena and a seed. It obeys commands on stdin: `go` (`go swapping`: and
//! exchange a directory for a link), which it answers by `going`, and `stop`, upon which it says what
//! it finds, removes what is not its own, and waits:
//!
//! * `left PLACE IDENTITY TYPE`: a thing of the churn's that it never moved;
//! * `moved PLACE IDENTITY TYPE`: one that it had moved, so that nobody found it where it was;
//! * `took PLACE`: where it had moved one from;
//! * `lost WHAT`: a thing of its own that is nowhere, or not as it was;
//! * `done` and how often it did what: `planted`, `exchanged`, `took`, `swapped`, and how many things
//!   of its own there are now.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use backstop_tests_ladder::arena::{GROUNDS, Identity, NAMES};
use backstop_tests_ladder::random::Random;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, RenameFlags, StatxFlags, mkdirat, openat, renameat_with, statx,
    symlinkat, unlinkat,
};

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [arena, seed] = &arguments[..] else { panic!("two arguments") };
    let mut stranger = Stranger::new(Path::new(arena), seed.parse().expect("a number"))?;
    println!("ready");
    let mut line = String::new();
    loop {
        line.clear();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(());
        }
        let swapping = match line.trim_end() {
            "go" => false,
            "go swapping" => true,
            other => panic!("{other}"),
        };
        // Nothing is told to it before this is read: what came with `go` would be in stdin's buffer,
        // where `told` does not see it.
        println!("going");
        while !told() {
            // Where it swaps, it is wild; else it leaves something to those who clean up.
            for _ in 0..if swapping { 4 } else { 1 } {
                stranger.turn(swapping)?;
            }
        }
        line.clear();
        io::stdin().lock().read_line(&mut line)?;
        stranger.account()?;
    }
}

/// Whether there is a command; waits a moment for it, so as not to take a processor for itself.
fn told() -> bool {
    let stdin = rustix::stdio::stdin();
    let moment = Timespec { tv_sec: 0, tv_nsec: 100_000 };
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&moment)).is_ok_and(|ready| ready > 0)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    File,
    /// With a file in it.
    Directory,
    Empty,
    /// To the victim.
    Link,
}

/// An open directory, and what it is called.
struct Ground {
    name: &'static str,
    fd: OwnedFd,
    path: PathBuf,
}

impl Ground {
    fn open(arena: &Path, name: &'static str) -> io::Result<Self> {
        let path = arena.join(name);
        fs::create_dir_all(&path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { name, fd: openat(CWD, &path, flags, Mode::empty())?, path })
    }

    fn identity(&self, name: &OsStr) -> Option<Identity> {
        Identity::of(&self.fd, name)
    }

    fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.fd)? {
            let name = entry?.file_name().to_owned();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(OsStr::from_bytes(name.to_bytes()).to_owned());
            }
        }
        Ok(names)
    }
}

#[derive(Default)]
struct Count {
    planted: u64,
    exchanged: u64,
    took: u64,
    swapped: u64,
}

struct Stranger {
    arena: PathBuf,
    random: Random,
    grounds: Vec<Ground>,
    /// Nobody else goes there.
    stash: Ground,
    /// What is its own.
    own: HashMap<Identity, Kind>,
    /// Where each of its own was put last.
    put: HashMap<Identity, String>,
    /// What it has moved that was not.
    moved: HashSet<Identity>,
    taken: Vec<String>,
    /// Whether `swap` is a link now.
    swapped: bool,
    next: u64,
    count: Count,
}

impl Stranger {
    fn new(arena: &Path, seed: u64) -> io::Result<Self> {
        let grounds = GROUNDS.into_iter().map(|name| Ground::open(arena, name));
        let mut stranger = Self {
            arena: arena.to_owned(),
            random: Random::new(seed),
            grounds: grounds.collect::<io::Result<_>>()?,
            stash: Ground::open(arena, "stash")?,
            own: HashMap::new(),
            put: HashMap::new(),
            moved: HashSet::new(),
            taken: Vec::new(),
            swapped: false,
            next: 0,
            count: Count::default(),
        };
        symlinkat(arena.join("victim"), CWD, arena.join("swap-link"))?;
        // The victim has files of the names that the churn uses.
        for name in NAMES {
            let made = stranger.make(Kind::File)?;
            let victim = &stranger.grounds[4];
            let flags = RenameFlags::NOREPLACE;
            renameat_with(&stranger.stash.fd, &made, &victim.fd, name, flags)?;
        }
        Ok(stranger)
    }

    /// A new thing in the stash.
    fn make(&mut self, kind: Kind) -> io::Result<OsString> {
        let name = self.fresh();
        let path = self.stash.path.join(&name);
        match kind {
            Kind::File => fs::write(&path, PRECIOUS)?,
            Kind::Empty => fs::create_dir(&path)?,
            Kind::Directory => {
                mkdirat(&self.stash.fd, &name, Mode::RWXU)?;
                fs::write(path.join(PRECIOUS), PRECIOUS)?;
            }
            Kind::Link => symlinkat(self.arena.join("victim"), &self.stash.fd, &name)?,
        }
        let identity = self.stash.identity(&name).expect("it was just made");
        self.own.insert(identity, kind);
        Ok(name)
    }

    fn fresh(&mut self) -> OsString {
        self.next += 1;
        format!("s{}", self.next).into()
    }

    fn turn(&mut self, swapping: bool) -> io::Result<()> {
        let ground = usize::try_from(self.random.below(4)).expect("an index");
        let name = OsStr::new(*self.random.of(&NAMES));
        match self.random.below(16) {
            0..5 => {
                let thing = self.some_own()?;
                self.plant(&thing, ground, name);
            }
            5..8 => {
                self.take(ground, name);
            }
            8..11 => {
                let thing = self.some_own()?;
                let name = self.something_committed(ground)?.unwrap_or_else(|| name.to_owned());
                self.exchange(&thing, ground, &name)?;
            }
            11..13 => {
                let names = self.grounds[ground].names()?;
                if !names.is_empty() {
                    let name = self.random.of(&names).clone();
                    self.take(ground, &name);
                }
            }
            13 => self.put_back(ground, name)?,
            14 => self.destroy_own()?,
            _ if swapping => self.swap()?,
            _ => {}
        }
        Ok(())
    }

    /// One of its own in the stash, made if there is none.
    fn some_own(&mut self) -> io::Result<OsString> {
        for name in self.stash.names()? {
            if self.stash.identity(&name).is_some_and(|it| self.own.contains_key(&it)) {
                return Ok(name);
            }
        }
        let kinds = [Kind::File, Kind::File, Kind::Directory, Kind::Empty, Kind::Link];
        let kind = *self.random.of(&kinds);
        self.make(kind)
    }

    /// Takes a name, if it is free.
    fn plant(&mut self, thing: &OsStr, ground: usize, name: &OsStr) {
        let (from, to) = (&self.stash.fd, &self.grounds[ground].fd);
        let identity = self.stash.identity(thing);
        if renameat_with(from, thing, to, name, RenameFlags::NOREPLACE).is_ok() {
            self.count.planted += 1;
            self.note(identity, "planted", ground, name);
        }
    }

    /// Moves whatever has the name to the stash.
    fn take(&mut self, ground: usize, name: &OsStr) {
        let to = self.fresh();
        let from = &self.grounds[ground].fd;
        if renameat_with(from, name, &self.stash.fd, &to, RenameFlags::NOREPLACE).is_ok() {
            self.got(ground, name, &to);
        }
    }

    /// Notes what has come to the stash, if it is not its own; whether that is so.
    fn got(&mut self, ground: usize, from: &OsStr, name: &OsStr) -> bool {
        let Some(identity) = self.stash.identity(name) else { return false };
        if self.own.contains_key(&identity) {
            return false;
        }
        self.moved.insert(identity);
        self.count.took += 1;
        let ground = self.grounds[ground].name;
        self.taken.push(format!("{ground}/{}", from.to_string_lossy()));
        true
    }

    /// Puts its own thing in the place of whatever has the name, with no instant between.
    fn exchange(&mut self, thing: &OsStr, ground: usize, name: &OsStr) -> io::Result<()> {
        let (stash, to) = (&self.stash.fd, &self.grounds[ground].fd);
        let identity = self.stash.identity(thing);
        if renameat_with(stash, thing, to, name, RenameFlags::EXCHANGE).is_err() {
            return Ok(());
        }
        self.count.exchanged += 1;
        self.note(identity, "exchanged", ground, name);
        // Sometimes it replaces, as a plain rename does.
        if self.got(ground, name, thing) && self.random.below(4) == 0 {
            self.destroy(thing)?;
        }
        Ok(())
    }

    /// Notes where one of its own is now.
    fn note(&mut self, thing: Option<Identity>, how: &str, ground: usize, name: &OsStr) {
        let Some(identity) = thing.filter(|it| self.own.contains_key(it)) else { return };
        let ground = self.grounds[ground].name;
        self.put.insert(identity, format!("{how} {ground}/{}", name.to_string_lossy()));
    }

    /// The name of something that the churn's own code made, and that is registered: what is put in
    /// its place before that *is* what is registered, as the attribute goes by the name.
    fn something_committed(&mut self, ground: usize) -> io::Result<Option<OsString>> {
        if self.random.below(2) == 0 {
            return Ok(None);
        }
        let ground = &self.grounds[ground];
        Ok(ground.names()?.into_iter().find(|name| {
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            name.as_bytes().starts_with(b"w")
                && statx(&ground.fd, name, flags, StatxFlags::MODE)
                    .is_ok_and(|stat| matches!(stat.stx_mode, 0o100_600 | 0o040_700))
        }))
    }

    /// Gives something of the churn's a name again.
    fn put_back(&mut self, ground: usize, name: &OsStr) -> io::Result<()> {
        for thing in self.stash.names()? {
            if self.stash.identity(&thing).is_some_and(|it| self.moved.contains(&it)) {
                let (from, to) = (&self.stash.fd, &self.grounds[ground].fd);
                let _ = renameat_with(from, &thing, to, name, RenameFlags::NOREPLACE);
                return Ok(());
            }
        }
        Ok(())
    }

    fn destroy_own(&mut self) -> io::Result<()> {
        if self.own.len() < 60 {
            return Ok(());
        }
        let thing = self.some_own()?;
        let identity = self.stash.identity(&thing).expect("nobody else goes there");
        self.own.remove(&identity);
        self.destroy(&thing)
    }

    /// Removes something in the stash.
    fn destroy(&self, name: &OsStr) -> io::Result<()> {
        remove(&self.stash, name)
    }

    /// Exchanges a directory for a link, or back.
    fn swap(&mut self) -> io::Result<()> {
        let (one, other) = (self.arena.join("swap"), self.arena.join("swap-link"));
        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?;
        self.swapped = !self.swapped;
        self.count.swapped += 1;
        Ok(())
    }

    /// Looks everywhere, says what there is, and removes what is not its own.
    fn account(&mut self) -> io::Result<()> {
        if self.swapped {
            self.swap()?;
        }
        let mut lines = Vec::new();
        let mut found = HashSet::new();
        for ground in self.grounds.iter().chain([&self.stash]) {
            for name in ground.names()? {
                // Written through a directory that had been exchanged: nothing that was promised.
                if name.as_bytes().starts_with(b"content") {
                    remove(ground, &name)?;
                    continue;
                }
                let Some(identity) = ground.identity(&name) else { continue };
                let place = format!("{}/{}", ground.name, name.to_string_lossy());
                if let Some(&kind) = self.own.get(&identity) {
                    if is_whole(kind, &ground.path.join(&name)) {
                        found.insert(identity);
                    }
                    continue;
                }
                let what = if self.moved.contains(&identity) { "moved" } else { "left" };
                let kind = fs::symlink_metadata(ground.path.join(&name))?.file_type();
                lines.push(format!("{what} {place} {identity} {kind:?}"));
                remove(ground, &name)?;
            }
        }
        lines.extend(self.taken.drain(..).map(|place| format!("took {place}")));
        for (identity, kind) in &self.own {
            if !found.contains(identity) {
                let put = self.put.get(identity).map_or("never moved", String::as_str);
                lines.push(format!("lost {kind:?} {identity}, {put}"));
            }
        }
        self.own.retain(|identity, _| found.contains(identity));
        self.put.retain(|identity, _| found.contains(identity));
        self.moved.clear();
        let Count { planted, exchanged, took, swapped } = std::mem::take(&mut self.count);
        lines.push(format!("done {planted} {exchanged} {took} {swapped} {}", self.own.len()));
        let mut out = io::stdout().lock();
        writeln!(out, "{}", lines.join("\n"))?;
        out.flush()
    }
}

const PRECIOUS: &str = "precious";

fn is_whole(kind: Kind, path: &Path) -> bool {
    let is_precious = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text == PRECIOUS);
    match kind {
        Kind::File => is_precious(path),
        Kind::Directory => is_precious(&path.join(PRECIOUS)),
        Kind::Empty => path.is_dir(),
        Kind::Link => path.is_symlink(),
    }
}

fn remove(ground: &Ground, name: &OsStr) -> io::Result<()> {
    match unlinkat(&ground.fd, name, AtFlags::empty()) {
        Err(rustix::io::Errno::ISDIR) => fs::remove_dir_all(ground.path.join(name)),
        other => Ok(other?),
    }
}
