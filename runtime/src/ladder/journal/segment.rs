//! The segment that this process owns: one file, locked for life.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FallocateFlags, Mode, OFlags, fallocate, fstat, fsync, openat, renameat, unlinkat,
};
use rustix::io::{Errno, pwrite};
use rustix::process::{Resource, getrlimit};
use rustix::rand::{GetRandomFlags, getrandom};

use super::image::{Layout, header};
use super::lock::Lock;
use super::owner::Owner;
use super::place::{Place, error};
use super::record::{FRAME, Kind, MAX_DATA, RECORD, Record, Tail};
use crate::ladder::action::{encoding, settled};

/// How a segment's name ends; one that is being made has [`UNFINISHED`] behind it.
pub(super) const SUFFIX: &str = ".journal";
pub(super) const UNFINISHED: &str = ".new";

/// The size of a half at first: room for some 300 registrations at once.
const MIN_HALF: usize = 64 * 1024;
/// Beyond it a program forgets to withdraw.
const MAX_HALF: usize = 1 << 30;
/// Withdrawing a registration takes this much, in a write of its own.
const FORGET: usize = FRAME + RECORD;
/// A committed action is larger than its intent by the identity of the thing: this at most, or the
/// commit may find no room.
const IDENTITY: usize = 256;

/// One change, as it is handed to the writer.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) kind: Kind,
    pub(super) key: u64,
    pub(super) data: Arc<[u8]>,
}

/// The segment of this process.
#[derive(Debug)]
pub(super) struct Segment {
    place: Arc<Place>,
    owner: Owner,
    name: String,
    file: OwnedFd,
    lock: Lock,
    /// Device and inode: a descriptor that somebody else closed may be another file's by now.
    identity: (u64, u64),
    layout: Layout,
    tail: Tail,
    live: BTreeMap<u64, Live>,
    /// The room in the half that is kept for what must still be written to it.
    reserved: usize,
    /// How many registrations there have been.
    order: u64,
    /// Why nothing can be written any more.
    broken: Option<String>,
}

/// How a change got on disk.
enum Written {
    Now,
    NotNeeded,
}

/// A registration that has not been withdrawn.
#[derive(Debug)]
struct Live {
    order: u64,
    committed: bool,
    /// Whether it was removed, and may come back with a power cut.
    done: bool,
    data: Arc<[u8]>,
}

impl Live {
    fn new(order: u64, committed: bool, data: Arc<[u8]>) -> Self {
        Self { order, committed, done: false, data }
    }

    /// The room that is kept for what must still be said of it, also when the disk is full.
    fn reserve(&self) -> usize {
        reserve(self.committed, self.data.len())
    }
}

fn reserve(committed: bool, data: usize) -> usize {
    FORGET + if committed { 0 } else { FRAME + RECORD + (data + IDENTITY).next_multiple_of(8) }
}

impl Segment {
    /// Makes a segment, locked and durable before it has its name.
    pub(super) fn create(place: Arc<Place>, owner: Owner) -> io::Result<Self> {
        let name = format!("{}{SUFFIX}", hex(&random()?));
        let nonce = random()?;
        let new = NewFile::write(&place, &name, &owner, nonce, MIN_HALF, snapshot_of([]))?;
        new.name(&name).map_err(|(Unnamed::Old(e) | Unnamed::Unknown(e))| {
            error(e, format_args!("cannot name a file in {}", place.path.display()))
        })?;
        let NewFile { file, lock, identity, layout, tail, .. } = new;
        Ok(Self {
            place,
            owner,
            name,
            file,
            lock,
            identity,
            layout,
            tail,
            live: BTreeMap::new(),
            // For the frame that ends a half.
            reserved: FRAME,
            order: 0,
            broken: None,
        })
    }

    /// Writes changes to different registrations, durably, and returns how each of them ended.
    pub(super) fn apply(&mut self, changes: Vec<Change>) -> Vec<io::Result<()>> {
        let mut results: Vec<_> = changes.iter().map(|change| self.check(change)).collect();
        // What finds no room is given up in this order. Withdrawals always find it.
        for given_up in [Kind::Intent, Kind::Commit, Kind::Done, Kind::Forget] {
            let open = changes.iter().zip(&results).filter(|(_, result)| result.is_none());
            let batch: Vec<_> = open.map(|(change, _)| change).collect();
            let written = self.write(&batch);
            let is_broken = self.broken.is_some();
            let open = changes.iter().zip(&mut results).filter(|(_, result)| result.is_none());
            for (change, result) in open {
                match &written {
                    Ok(()) => *result = Some(Ok(Written::Now)),
                    Err(e) if is_broken || change.kind == given_up => *result = Some(Err(copy(e))),
                    Err(_) => {}
                }
            }
        }
        let settle = |(change, result): (Change, Option<io::Result<Written>>)| {
            if let Some(Written::Now) = result.transpose()? {
                self.settle(change);
            }
            Ok(())
        };
        changes.into_iter().zip(results).map(settle).collect()
    }

    /// What can be said of a change without writing it.
    fn check(&self, change: &Change) -> Option<io::Result<Written>> {
        let invalid = |what: &str| Some(Err(io::Error::new(io::ErrorKind::InvalidInput, what)));
        let known = self.live.contains_key(&change.key);
        if let Some(why) = &self.broken {
            return Some(Err(io::Error::other(why.clone())));
        }
        match change.kind {
            Kind::Forget | Kind::Done if !known => Some(Ok(Written::NotNeeded)),
            Kind::Intent if known => invalid("journal: this registration is there already"),
            _ if change.data.len() > MAX_DATA => invalid("journal: an action of more than 1 MiB"),
            _ => None,
        }
    }

    /// Takes note of a change that is on disk.
    fn settle(&mut self, change: Change) {
        self.reserved = self.reserved_after(&change, self.reserved);
        let Change { kind, key, data } = change;
        match kind {
            Kind::Intent => {
                self.live.insert(key, Live::new(self.order, false, data));
                self.order += 1;
            }
            Kind::Commit => match self.live.get_mut(&key) {
                Some(live) => {
                    live.committed = true;
                    live.done = false;
                    live.data = data;
                }
                // What existed before it was registered.
                None => {
                    self.live.insert(key, Live::new(self.order, true, data));
                    self.order += 1;
                }
            },
            Kind::Forget => {
                self.live.remove(&key);
            }
            Kind::Done => {
                if let Some(live) = self.live.get_mut(&key) {
                    live.done = true;
                }
            }
        }
    }

    /// Forgets what was removed, once that is on the disk. What cannot be brought there stays.
    fn forget_done(&mut self) {
        let done = self.live.values().filter(|live| live.done);
        let actions: Vec<_> = done.filter_map(|live| encoding::decode(&live.data)).collect();
        if settled::on_disk(&actions).is_err() {
            return;
        }
        let reserved = &mut self.reserved;
        self.live.retain(|_, live| {
            if live.done {
                *reserved -= live.reserve();
            }
            !live.done
        });
    }

    /// What is to be kept free after a change.
    fn reserved_after(&self, change: &Change, before: usize) -> usize {
        let released = self.live.get(&change.key).map_or(0, Live::reserve);
        let taken = match change.kind {
            Kind::Intent => reserve(false, change.data.len()),
            Kind::Commit => reserve(true, change.data.len()),
            // Who replays it has to say that it is dealt with.
            Kind::Done => released,
            Kind::Forget => 0,
        };
        before - released + taken
    }

    fn write(&mut self, changes: &[&Change]) -> io::Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut frame = vec![0; FRAME];
        let mut reserved = self.reserved;
        for change in changes {
            Record { kind: change.kind, key: change.key, data: &change.data }.write(&mut frame);
            reserved = self.reserved_after(change, reserved);
        }
        if !self.is_in_place()? {
            match self.grow(self.layout.half) {
                // Nobody will find what is to be forgotten.
                Err(_) if changes.iter().all(|change| change.kind.ends()) => return Ok(()),
                made => made?,
            }
        }
        self.make_room(frame.len() + reserved)?;
        self.tail.seal(&mut frame);
        let length = self.tail.pad(&mut frame);
        let end = self.tail.at + frame.len();
        self.write_at(&frame, self.tail.at).inspect_err(|_| self.tail.spoiled = end)?;
        self.tail.advance(length);
        Ok(())
    }

    /// Whether the segment still has its name. An error if the descriptor is not ours any more.
    fn is_in_place(&mut self) -> io::Result<bool> {
        match fstat(&self.file) {
            Ok(stat) if (stat.st_dev, stat.st_ino) == self.identity => Ok(stat.st_nlink > 0),
            _ => Err(self.broken("somebody closed the journal's descriptor")),
        }
    }

    fn make_room(&mut self, room: usize) -> io::Result<()> {
        if self.tail.at + room <= self.tail.end {
            return Ok(());
        }
        self.forget_done();
        let snapshot =
            FRAME + self.live.values().map(|live| Record::size(&live.data)).sum::<usize>();
        let needed = snapshot + room;
        // A quarter is to be won at least, or the next snapshot follows at once.
        if needed <= self.layout.half / 4 * 3 {
            return self.compact();
        }
        match self.grow(needed.saturating_mul(2).next_power_of_two()) {
            Err(_) if self.broken.is_none() && needed <= self.layout.half => self.compact(),
            result => result,
        }
    }

    /// Begins the other half with what is alive.
    fn compact(&mut self) -> io::Result<()> {
        let other = usize::from(self.tail.end != self.layout.size());
        let mut tail = self.layout.tail(other, self.tail.nonce, self.tail.generation + 1);
        let mut snapshot = self.snapshot();
        tail.seal(&mut snapshot);
        // First: where a frame goes, there are zeros until it is written.
        let start = tail.at;
        tail.advance(snapshot.len());
        self.write_at(&vec![0; tail.end - tail.at], tail.at)?;
        self.write_at(&snapshot, start)?;
        let full = std::mem::replace(&mut self.tail, tail);
        let mut end = [0; FRAME];
        full.seal(&mut end);
        self.write_at(&end, full.at)
    }

    /// Moves to a fresh file, with halves of `half` bytes.
    fn grow(&mut self, half: usize) -> io::Result<()> {
        let place = Arc::clone(&self.place);
        let no_room =
            |e: io::Error| error(e, format_args!("no room for more in {}", place.path.display()));
        if half > MAX_HALF {
            return Err(no_room(Errno::NOSPC.into()));
        }
        let snapshot = self.snapshot();
        let new = NewFile::write(&place, &self.name, &self.owner, self.tail.nonce, half, snapshot)
            .map_err(no_room)?;
        match new.name(&self.name) {
            Ok(()) => {}
            Err(Unnamed::Old(e)) => return Err(no_room(e.into())),
            Err(Unnamed::Unknown(e)) => {
                return Err(self.broken(format_args!("which of two files will be found: {e}")));
            }
        }
        // Closes the old one, and with it its lock, which nobody can find any more.
        self.file = new.file;
        self.lock = new.lock;
        self.identity = new.identity;
        self.layout = new.layout;
        self.tail = new.tail;
        Ok(())
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut live: Vec<_> = self.live.iter().collect();
        live.sort_unstable_by_key(|(_, live)| live.order);
        snapshot_of(live.into_iter().map(|(key, live)| Record {
            kind: if live.committed { Kind::Commit } else { Kind::Intent },
            key: *key,
            data: &live.data,
        }))
    }

    fn write_at(&mut self, bytes: &[u8], at: usize) -> io::Result<()> {
        write_all(&self.file, bytes, at).map_err(|e| match e {
            // Nothing is lost: what was written has no valid checksum, and the next write clears it.
            Errno::NOSPC | Errno::DQUOT | Errno::FBIG => {
                error(e, format_args!("no room in {}", self.place.path.display()))
            }
            e => self.broken(format_args!("a write failed, so what is on disk is not known: {e}")),
        })
    }

    /// Nothing can be promised from here on.
    fn broken(&mut self, why: impl Display) -> io::Error {
        let why = format!("journal: {}: {why}", self.place.path.display());
        self.broken = Some(why.clone());
        io::Error::other(why)
    }
}

/// A segment that does not have its name yet.
struct NewFile<'a> {
    place: &'a Place,
    name: String,
    file: OwnedFd,
    lock: Lock,
    identity: (u64, u64),
    layout: Layout,
    tail: Tail,
}

impl<'a> NewFile<'a> {
    fn write(
        place: &'a Place,
        name: &str,
        owner: &Owner,
        nonce: [u8; 16],
        half: usize,
        mut snapshot: Vec<u8>,
    ) -> io::Result<Self> {
        let cannot =
            |e: io::Error| error(e, format_args!("cannot make a file in {}", place.path.display()));
        let mut bytes =
            header(nonce, half, owner).map_err(|e| cannot(io::Error::other(e.to_string())))?;
        let layout = Layout { header: bytes.len(), half };
        // Beyond it the kernel sends SIGXFSZ, which ends the program.
        if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < layout.size() as u64) {
            return Err(cannot(Errno::FBIG.into()));
        }
        let mut tail = layout.tail(0, nonce, 1);
        tail.seal(&mut snapshot);
        tail.advance(snapshot.len());
        bytes.append(&mut snapshot);
        // Zeros are written, too, and take the room where it cannot be reserved. No later write to a
        // block is then its first, for which the filesystem would have more to note than the data.
        bytes.resize(layout.size(), 0);

        let name = format!("{name}{UNFINISHED}");
        let mut made = Self::fill(place, &name, &bytes);
        for _ in 0..3 {
            // A replay took it, in the instant before it was locked, for one that was left.
            if !matches!(made, Err(Errno::AGAIN | Errno::NOENT)) {
                break;
            }
            made = Self::fill(place, &name, &bytes);
        }
        let (file, lock, identity) = made.map_err(|e| cannot(e.into()))?;
        Ok(Self { place, name, file, lock, identity, layout, tail })
    }

    fn fill(place: &Place, name: &str, bytes: &[u8]) -> Result<(OwnedFd, Lock, (u64, u64)), Errno> {
        // An earlier attempt of ours may have got no further.
        match unlinkat(&place.dir, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(e),
        }
        let flags = OFlags::RDWR.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW);
        let flags = flags.union(OFlags::CLOEXEC).union(OFlags::DSYNC);
        let file = openat(&place.dir, name, flags, Mode::RUSR | Mode::WUSR)?;
        let filled = || {
            let lock = Lock::take(&file)?;
            let stat = fstat(&file)?;
            if stat.st_nlink == 0 {
                return Err(Errno::NOENT);
            }
            match fallocate(&file, FallocateFlags::empty(), 0, bytes.len() as u64) {
                // Not every filesystem can.
                Ok(()) | Err(Errno::OPNOTSUPP) => {}
                Err(e) => return Err(e),
            }
            write_all(&file, bytes, 0)?;
            fsync(&file)?;
            Ok((lock, (stat.st_dev, stat.st_ino)))
        };
        match filled() {
            Ok((lock, identity)) => Ok((file, lock, identity)),
            Err(e) => {
                // Room for others; a replay would remove it otherwise.
                let _ = unlinkat(&place.dir, name, AtFlags::empty());
                Err(e)
            }
        }
    }

    /// Gives it its name, in place of whatever has it, durably.
    fn name(&self, name: &str) -> Result<(), Unnamed> {
        renameat(&self.place.dir, &self.name, &self.place.dir, name).map_err(|e| {
            let _ = unlinkat(&self.place.dir, &self.name, AtFlags::empty());
            Unnamed::Old(e)
        })?;
        fsync(&self.place.dir).map_err(Unnamed::Unknown)
    }
}

/// Why a new file has not got its name for good.
enum Unnamed {
    /// The old one is in place.
    Old(Errno),
    /// A restart may find the old one or the new.
    Unknown(Errno),
}

/// The frame of a snapshot, still without its head.
fn snapshot_of<'a>(live: impl IntoIterator<Item = Record<'a>>) -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    for record in live {
        record.write(&mut frame);
    }
    frame
}

/// Writes all of it, however short the single writes are.
pub(super) fn write_all(file: &OwnedFd, mut bytes: &[u8], at: usize) -> Result<(), Errno> {
    let mut at = at as u64;
    while !bytes.is_empty() {
        match pwrite(file, bytes, at) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => {
                bytes = &bytes[written..];
                at += written as u64;
            }
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// The same error for another one that waits.
fn copy(e: &io::Error) -> io::Error {
    io::Error::new(e.kind(), e.to_string())
}

pub(super) fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    // So few bytes are never interrupted.
    let got = getrandom(&mut bytes, GetRandomFlags::empty())?;
    if got == bytes.len() { Ok(bytes) } else { Err(Errno::IO.into()) }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
