//! Performs what processes that are gone have left in their segments.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{
    AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags, flock, fstat, fsync, openat,
    renameat_with, statat, unlinkat,
};
use rustix::io::{Errno, pread};

use super::image::{Image, Registration, Unreadable};
use super::mounts::Mount;
use super::owner::{Owner, Relation, Verdict};
use super::place::{Place, error, is_private};
use super::record::{FRAME, Kind, Record, Tail};
use super::recovery::Recovery;
use super::segment::{SUFFIX, UNFINISHED, write_all};
use crate::event;
use crate::ladder::action::encoding::{self, Unknown};
use crate::ladder::action::{Performed, Prepared, settled};

/// What is behind the name of a segment that was damaged.
const CORRUPT: &str = ".corrupt";
/// What is behind the name of one whose actions an older version wrote, and no later one reads.
const OUTDATED: &str = ".outdated";

/// How long all actions may take together: the program waits for it before `main` begins, and who
/// started it waits for that, systemd 90 s for one. An action may be slow within that: see
/// [`Budget`].
const LIMIT: Duration = Duration::from_secs(60);

/// How long at most, in all, to wait for locks of owners that have ended. A child that is just being
/// executed has its parent's memory, and with it the lock, until a moment after it was made.
const ENDING: Duration = Duration::from_secs(1);

/// Between two looks at such a lock.
const PAUSE: Duration = Duration::from_millis(2);

/// As much of a segment as says whose it is, unless there are thousands of mounts.
const BEGINNING: usize = 256 * 1024;

/// How an action is performed, within a time.
type Perform = fn(&Prepared, Duration) -> io::Result<Performed>;

/// How a replay goes about it.
struct Ways<'a> {
    limit: Duration,
    perform: Perform,
    /// Lets some time pass.
    pause: &'a dyn Fn(Duration),
}

/// Looks at every segment in `place`, and performs what those whose owner is gone still hold.
pub(super) fn replay(place: &Place, us: &Owner) -> io::Result<Recovery> {
    let ways = Ways { limit: LIMIT, perform: Prepared::perform_within, pause: &thread::sleep };
    replay_in(&ways, place, us)
}

fn replay_in(ways: &Ways<'_>, place: &Place, us: &Owner) -> io::Result<Recovery> {
    let budget = Budget::new(ways.limit);
    let patience = Budget::new(ENDING);
    let mut recovery = Recovery::default();
    let cannot_read = |e| error(e, format_args!("cannot read {}", place.path.display()));
    let mut names = Vec::new();
    for entry in Dir::read_from(&place.dir).map_err(cannot_read)? {
        names.push(entry.map_err(cannot_read)?.file_name().to_owned());
    }
    names.sort();
    for name in names {
        let name = OsStr::from_bytes(name.to_bytes());
        let bytes = name.as_bytes();
        let unfinished = bytes.ends_with(UNFINISHED.as_bytes());
        if !unfinished && !bytes.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        match Abandoned::open(place, name, |segment| segment.lock(us, ways, patience)) {
            Ok(Opened::Abandoned(segment)) if unfinished => segment.remove(),
            Ok(Opened::Abandoned(segment)) => {
                segment.replay(us, budget, ways.perform, &mut recovery);
            }
            Ok(Opened::Alive) => recovery.owners_alive += usize::from(!unfinished),
            Ok(Opened::Gone) => {}
            Ok(Opened::NotOurs(why)) => {
                recovery.leave(place.path.join(name).display().to_string(), why, true);
            }
            Err(e) => recovery.fail(place.path.join(name).display().to_string(), e),
        }
    }
    Ok(recovery)
}

/// A segment whose owner is gone, locked by us.
struct Abandoned<'a> {
    place: &'a Place,
    name: &'a OsStr,
    file: OwnedFd,
    /// How much of it is read.
    size: usize,
}

enum Opened<'a> {
    Abandoned(Abandoned<'a>),
    /// Its owner has the lock, or somebody who replays it.
    Alive,
    /// Somebody who replayed it has removed it.
    Gone,
    NotOurs(String),
}

impl<'a> Abandoned<'a> {
    /// `lock` tells whether it has locked the segment.
    fn open(
        place: &'a Place,
        name: &'a OsStr,
        lock: impl FnOnce(&Self) -> Result<bool, Errno>,
    ) -> Result<Opened<'a>, Errno> {
        let flags = OFlags::RDWR | OFlags::DSYNC | OFlags::NOFOLLOW;
        // A FIFO would wait for a writer otherwise.
        let flags = flags | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&place.dir, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(Opened::Gone),
            Err(Errno::LOOP) => return Ok(Opened::NotOurs("it is a link".into())),
            Err(e) => return Err(e),
        };
        let stat = fstat(&file)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(Opened::NotOurs("it is not a file".into()));
        }
        if let Err(why) = is_private(&stat) {
            return Ok(Opened::NotOurs(format!("it {why}")));
        }
        let mut segment = Self { place, name, file, size: BEGINNING };
        if !lock(&segment)? {
            return Ok(Opened::Alive);
        }
        // Its owner may have moved to a fresh file meanwhile, or another replay have ended.
        match statat(&place.dir, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(now) if (now.st_dev, now.st_ino) == (stat.st_dev, stat.st_ino) => {}
            Ok(_) => return Ok(Opened::Alive),
            Err(Errno::NOENT) => return Ok(Opened::Gone),
            Err(e) => return Err(e),
        }
        // As it is now, locked: the owner may have grown it.
        let size = fstat(&segment.file)?.st_size;
        segment.size = usize::try_from(size).map_err(|_| Errno::FBIG)?;
        Ok(Opened::Abandoned(segment))
    }

    /// Tells whether we have the lock now. Waits for it where the owner has ended.
    fn lock(&self, us: &Owner, ways: &Ways<'_>, patience: Budget) -> Result<bool, Errno> {
        let mut has_ended = None;
        loop {
            match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(true),
                Err(Errno::WOULDBLOCK) => {}
                Err(e) => return Err(e),
            }
            if !*has_ended.get_or_insert_with(|| self.owner_has_ended(us)) || patience.is_up() {
                return Ok(false);
            }
            (ways.pause)(PAUSE);
        }
    }

    /// Whether what is locked belongs to a process that surely runs no more.
    fn owner_has_ended(&self, us: &Owner) -> bool {
        let owner = self.read().ok().and_then(|beginning| Image::owner(&beginning));
        owner.is_some_and(|owner| {
            let relation = owner.relation(us, self.place.shared);
            relation.is_ok_and(|relation| relation.same_pids) && owner.has_ended()
        })
    }

    fn path(&self) -> String {
        self.place.path.join(self.name).display().to_string()
    }

    fn read(&self) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; self.size];
        let mut at = 0;
        while at < bytes.len() {
            match pread(&self.file, &mut bytes[at..], at as u64) {
                Ok(0) => bytes.truncate(at),
                Ok(read) => at += read,
                Err(Errno::INTR) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(bytes)
    }

    fn replay(self, us: &Owner, budget: Budget, perform: Perform, recovery: &mut Recovery) {
        let bytes = match self.read() {
            Ok(bytes) => bytes,
            Err(e) => return recovery.fail(self.path(), e),
        };
        let image = match Image::read(&bytes) {
            Ok(image) => image,
            Err(Unreadable::Newer(version)) => {
                let why = format!(
                    "version {version} of the format wrote it, which a newer backstop reads"
                );
                return recovery.leave(self.path(), why, true);
            }
            Err(Unreadable::Older(version)) => {
                let why = format!(
                    "version {version} of the format wrote it, which this backstop does not read any \
                     more"
                );
                return self.set_aside(OUTDATED, &why, recovery);
            }
            Err(Unreadable::Corrupt(why)) => return self.set_aside(CORRUPT, why, recovery),
        };
        let relation = match image.owner.relation(us, self.place.shared) {
            Ok(relation) => relation,
            Err(why) => return recovery.leave(self.path(), why, true),
        };
        if relation.same_pids && image.owner.is_running() {
            recovery.owners_alive += 1;
            let why = "its owner is alive, and has lost its lock";
            return recovery.leave(self.path(), why, true);
        }
        if !image.live.is_empty() {
            match encoding::check(image.actions) {
                Ok(()) => {}
                Err(Unknown::Newer) => {
                    let version = image.actions;
                    let why = format!(
                        "version {version} of the actions' format wrote it, which a newer backstop \
                         reads"
                    );
                    return recovery.leave(self.path(), why, true);
                }
                Err(Unknown::Older) => {
                    let version = image.actions;
                    let why = format!(
                        "version {version} of the actions' format wrote it, which this backstop does \
                         not read any more"
                    );
                    return self.set_aside(OUTDATED, &why, recovery);
                }
            }
        }
        self.settle_all(image, relation, us, (budget, perform), recovery);
    }

    /// Which registrations were withdrawn, or what they are, is not known, so none is acted on.
    fn set_aside(&self, suffix: &str, why: &str, recovery: &mut Recovery) {
        let mut name = self.name.to_owned();
        name.push(suffix);
        let dir = &self.place.dir;
        let renamed = renameat_with(dir, self.name, dir, &name, RenameFlags::NOREPLACE);
        match renamed.and_then(|()| fsync(dir)) {
            Ok(()) => {
                let aside = self.place.path.join(&name);
                let why = format!("{why}; nothing in it is acted on, and it is kept");
                recovery.leave(aside.display().to_string(), why, false);
            }
            Err(e) => {
                let why = format!("{why}; nothing in it is acted on, and it stays: {e}");
                recovery.leave(self.path(), why, true);
            }
        }
    }

    fn settle_all(
        self,
        image: Image,
        relation: Relation,
        us: &Owner,
        (budget, perform): (Budget, Perform),
        recovery: &mut Recovery,
    ) {
        let Image { owner, live, tail, .. } = image;
        let decoded: Option<Vec<_>> = live.iter().map(decode).collect();
        let Some(decoded) = decoded else {
            let why = "an action in it is none that this version of backstop knows";
            return recovery.leave(self.path(), why, true);
        };
        let mut done = Done { segment: &self, tail, dealt_with: Vec::new() };
        let mut kept = false;
        for (decoded, Registration { done: removed, .. }) in decoded.iter().zip(&live).rev() {
            let Decoded { key, mount, action } = decoded;
            let dealt_with = if *removed && !relation.rebooted {
                // It cannot have come back.
                true
            } else {
                let path = action.path();
                let verdict =
                    owner.verdict(us, relation, path.as_deref(), mount.as_ref(), action.replays());
                let mut told = Recovery::default();
                let dealt_with = settle(action, verdict, relation, (budget, perform), &mut told);
                recovery.add(told, *removed);
                dealt_with
            };
            if dealt_with {
                done.note(*key, action, recovery);
            } else {
                kept = true;
            }
        }
        if kept {
            done.write(recovery);
        } else if done.is_on_disk(recovery) {
            self.remove();
        }
    }

    /// Nothing is left in it. If it cannot be removed, the next start finds it empty.
    fn remove(self) {
        let _ = unlinkat(&self.place.dir, self.name, AtFlags::empty());
    }
}

/// Does what is to be done about a registration; whether that was the last time.
fn settle(
    action: &Prepared,
    verdict: Verdict,
    relation: Relation,
    (budget, perform): (Budget, Perform),
    recovery: &mut Recovery,
) -> bool {
    let what = describe(action);
    let kept = matches!(verdict, Verdict::Keep(_));
    match verdict {
        Verdict::Perform => {
            let Some(share) = budget.share() else {
                recovery.leave(what, "the time of this replay is up: the next start does it", true);
                return false;
            };
            match contained(|| perform(action, share)) {
                Ok(Performed::Done) => recovery.performed.push(what),
                Ok(Performed::Gone) => recovery.gone.push(what),
                Ok(Performed::LeftAlone(why)) => recovery.leave(what, why, false),
                // Another start may see it. After a restart, the mount table has told already that
                // this is the filesystem, which may have another number.
                Ok(Performed::Hidden(why)) => {
                    recovery.leave(what, why, !relation.rebooted);
                    return relation.rebooted;
                }
                Err(e) => {
                    recovery.fail(what, e);
                    return false;
                }
            }
        }
        Verdict::Drop(why) | Verdict::Keep(why) => recovery.leave(what, why, kept),
    }
    !kept
}

/// A panic as an error: the other actions, and `main`, do not depend on this one.
fn contained<T>(perform: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(perform)).unwrap_or_else(|payload| {
        let message = event::panic_message(&*payload);
        event::discard(payload);
        Err(io::Error::other(format!("it panicked: {message}")))
    })
}

/// What is left of a time.
#[derive(Debug, Clone, Copy)]
struct Budget {
    start: Instant,
    limit: Duration,
}

impl Budget {
    fn new(limit: Duration) -> Self {
        Self { start: Instant::now(), limit }
    }

    fn is_up(self) -> bool {
        self.start.elapsed() >= self.limit
    }

    /// How long the next action may take: half of what is left, so that one that hangs at every
    /// start does not keep the others from their turn. `None` once almost nothing is left.
    fn share(self) -> Option<Duration> {
        let left = self.limit.saturating_sub(self.start.elapsed());
        (left > self.limit / 64).then_some(left / 2)
    }
}

/// Notes on disk what is done, so that a replay that is cut off does not begin again.
///
/// Several notes go into one write: an action on a path may be performed once more, and a write for
/// each of 10,000 would take seconds of the program's start.
struct Done<'a> {
    segment: &'a Abandoned<'a>,
    tail: Tail,
    dealt_with: Vec<(u64, &'a Prepared)>,
}

impl<'a> Done<'a> {
    fn note(&mut self, key: u64, action: &'a Prepared, recovery: &mut Recovery) {
        self.dealt_with.push((key, action));
        if action.path().is_none() || self.dealt_with.len() == 64 {
            self.write(recovery);
        }
    }

    /// Whether what was removed stays so, whatever happens now. If not, the next start looks again.
    fn is_on_disk(&self, recovery: &mut Recovery) -> bool {
        let synced = settled::on_disk(self.dealt_with.iter().map(|(_, action)| *action));
        if let Err(e) = &synced {
            recovery.fail(format!("{}: bringing it to the disk", self.segment.path()), e);
        }
        synced.is_ok()
    }

    fn write(&mut self, recovery: &mut Recovery) {
        if !self.is_on_disk(recovery) {
            return;
        }
        let mut frame = vec![0; FRAME];
        for (key, _) in self.dealt_with.drain(..) {
            Record { kind: Kind::Forget, key, data: &[] }.write(&mut frame);
        }
        if frame.len() == FRAME {
            return;
        }
        let Self { segment, tail, .. } = self;
        // The owner kept room for it.
        let written = if tail.at + frame.len() > tail.end {
            Err(Errno::NOSPC)
        } else {
            tail.seal(&mut frame);
            let length = tail.pad(&mut frame);
            write_all(&segment.file, &frame, tail.at).map(|()| length)
        };
        match written {
            Ok(length) => tail.advance(length),
            Err(e) => recovery.fail(format!("{}: noting what is done", segment.path()), e),
        }
    }
}

/// What a record says of an action: the mount that its path is on, if it is another one than the
/// owner's table says, and the action.
pub(super) fn data(mount: Option<&Mount>, action: &[u8]) -> io::Result<Arc<[u8]>> {
    let mut data = postcard::to_allocvec(&mount).map_err(io::Error::other)?;
    data.extend_from_slice(action);
    Ok(data.into())
}

/// A registration as it is understood.
struct Decoded {
    key: u64,
    mount: Option<Mount>,
    action: Prepared,
}

fn decode(registration: &Registration) -> Option<Decoded> {
    let (mount, action) = postcard::take_from_bytes(&registration.data).ok()?;
    Some(Decoded { key: registration.key, mount, action: encoding::decode(action)? })
}

/// For reports.
fn describe(action: &Prepared) -> String {
    action.to_string()
}

#[cfg(test)]
mod tests;
