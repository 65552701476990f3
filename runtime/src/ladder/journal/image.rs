//! What a segment's bytes say: who owns it, and what is registered.
//!
//! ```text
//! segment: header, filled up to 4,096 bytes | half | half
//! header:  "backstop" | version u32 | checksum u32 | nonce [16] | half u64 | length u32 | actions u32 | owner
//! half:    the frame of a snapshot | the frames since | an empty frame, once it is done with | zeros
//! ```
//!
//! `actions` is the version in which the actions are encoded. A half is in use at a time. When it is
//! full, the other one is filled with zeros, and begun with a snapshot of what is alive and the next
//! generation: so room is won without another file, also on a full disk, and until the snapshot is
//! whole the full half stays what counts. After that an empty frame ends it: what is
//! out of date is never taken for the latest.

use std::collections::BTreeMap;

use super::owner::Owner;
use super::record::{Kind, Record, Tail, u32_at, u64_at};
use crate::ladder::action::encoding;

const MAGIC: &[u8; 8] = b"backstop";
/// To be raised whenever an older program would misread the file.
pub(super) const VERSION: u32 = 3;
const HEAD: usize = 48;
const PAGE: usize = 4096;

/// Why a segment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A newer version of this crate wrote it.
    Newer(u32),
    /// One wrote it that is too old.
    Older(u32),
    /// It is not what any version writes.
    Corrupt(&'static str),
}

/// Where the parts of a segment are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) header: usize,
    pub(super) half: usize,
}

impl Layout {
    pub(super) fn size(self) -> usize {
        self.header + 2 * self.half
    }

    /// The tail of an empty half: 0 or 1.
    pub(super) fn tail(self, half: usize, nonce: [u8; 16], generation: u64) -> Tail {
        let at = self.header + half * self.half;
        Tail { nonce, generation, sequence: 0, at, end: at + self.half, spoiled: 0 }
    }
}

/// The header of a segment, up to where its first half begins.
pub(super) fn header(nonce: [u8; 16], half: usize, owner: &Owner) -> postcard::Result<Vec<u8>> {
    let owner = postcard::to_allocvec(owner)?;
    let length = u32::try_from(owner.len()).map_err(|_| postcard::Error::SerializeBufferFull)?;
    let mut header = Vec::with_capacity(PAGE);
    header.extend(MAGIC);
    header.extend(VERSION.to_le_bytes());
    header.extend([0; 4]);
    header.extend(nonce);
    header.extend((half as u64).to_le_bytes());
    header.extend(length.to_le_bytes());
    header.extend(encoding::VERSION.to_le_bytes());
    header.extend(owner);
    header.resize(header.len().next_multiple_of(PAGE), 0);
    let checksum = checksum(&header);
    header[12..16].copy_from_slice(&checksum.to_le_bytes());
    Ok(header)
}

/// A registration that has not been dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Registration {
    pub(super) key: u64,
    pub(super) committed: bool,
    /// Whether it was performed, and may not have come to the disk.
    pub(super) done: bool,
    /// The action, as it was encoded.
    pub(super) data: Vec<u8>,
}

/// A segment as it was read.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) owner: Owner,
    /// The version of the actions' encoding, which may be one that is not known here.
    pub(super) actions: u32,
    /// The last registered comes last.
    pub(super) live: Vec<Registration>,
    pub(super) tail: Tail,
}

impl Image {
    /// Whose segment begins like this, as far as that can be read.
    pub(super) fn owner(beginning: &[u8]) -> Option<Owner> {
        Header::read(beginning).ok().map(|header| header.owner)
    }

    /// Reads a whole segment. Whatever the bytes are, this returns, and nothing is in
    /// [`live`](Self::live) that was not registered.
    pub(super) fn read(file: &[u8]) -> Result<Self, Unreadable> {
        let Header { owner, actions, nonce, layout } = Header::read(file)?;
        // A segment has its full size before it has its name.
        if file.len() != layout.size() {
            return Err(Unreadable::Corrupt("its size is not the one that it was made with"));
        }
        let halves = [0, 1].map(|half| layout.tail(half, nonce, 0));
        let generations = halves.each_ref().map(|half| {
            half.frame_at(file, half.at)
                .filter(|frame| frame.sequence == 0)
                .map(|frame| frame.generation)
        });
        let (mut tail, other) = match generations {
            [Some(first), second] if second.is_none_or(|second| second < first) => {
                (layout.tail(0, nonce, first), &halves[1])
            }
            [_, Some(second)] => (layout.tail(1, nonce, second), &halves[0]),
            _ => return Err(Unreadable::Corrupt("neither half begins with a snapshot")),
        };
        let mut live = Live::default();
        let mut is_out_of_date = false;
        while let Some(frame) = tail.frame_at(file, tail.at) {
            if frame.generation != tail.generation || frame.sequence != tail.sequence {
                break;
            }
            is_out_of_date = tail.sequence > 0 && frame.body.is_empty();
            live.replay(frame.body)?;
            tail.advance(super::record::FRAME + frame.body.len());
        }
        let mut later = other.frames_after(file, other.at);
        if is_out_of_date || later.any(|frame| frame.generation > tail.generation) {
            return Err(Unreadable::Corrupt("its latest half is damaged"));
        }
        // What a power cut left of the last write is normal. A frame behind it is not.
        if tail.frames_after(file, tail.at).any(|frame| frame.generation >= tail.generation) {
            return Err(Unreadable::Corrupt("a record is damaged that is not the last one"));
        }
        // It may have withdrawn something.
        if tail.is_damaged(file) {
            return Err(Unreadable::Corrupt("the last record is damaged"));
        }
        let unused = &file[tail.at..tail.end];
        tail.spoiled =
            unused.iter().rposition(|byte| *byte != 0).map_or(0, |last| tail.at + last + 1);
        Ok(Self { owner, actions, live: live.in_order(), tail })
    }
}

struct Header {
    owner: Owner,
    actions: u32,
    nonce: [u8; 16],
    layout: Layout,
}

impl Header {
    fn read(file: &[u8]) -> Result<Self, Unreadable> {
        const CORRUPT: Unreadable = Unreadable::Corrupt("its header is damaged");
        if file.get(..8) != Some(MAGIC) {
            return Err(CORRUPT);
        }
        let version = u32_at(file, 8).ok_or(CORRUPT)?;
        // Before the checksum, whose place or kind a newer version may change.
        if version > VERSION {
            return Err(Unreadable::Newer(version));
        }
        if version < VERSION {
            return Err(Unreadable::Older(version));
        }
        let size = |at| usize::try_from(u64_at(file, at)?).ok();
        let half = size(32).filter(|half| half % PAGE == 0 && *half > 0).ok_or(CORRUPT)?;
        let length = usize::try_from(u32_at(file, 40).ok_or(CORRUPT)?).map_err(|_| CORRUPT)?;
        let header = HEAD
            .checked_add(length)
            .and_then(|length| length.checked_next_multiple_of(PAGE))
            .and_then(|length| file.get(..length))
            .ok_or(CORRUPT)?;
        let sum = half.checked_mul(2).and_then(|halves| halves.checked_add(header.len()));
        if u32_at(file, 12) != Some(checksum(header)) || sum.is_none() {
            return Err(CORRUPT);
        }
        let nonce = file[16..32].try_into().map_err(|_| CORRUPT)?;
        let owner = postcard::from_bytes(&header[HEAD..HEAD + length]).map_err(|_| CORRUPT)?;
        let actions = u32_at(file, 44).ok_or(CORRUPT)?;
        Ok(Self { owner, actions, nonce, layout: Layout { header: header.len(), half } })
    }
}

/// The checksum of a header: of everything but its own place.
fn checksum(header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&header[..12]);
    hasher.update(&header[16..]);
    hasher.finalize()
}

/// Makes the header one of actions of another version.
#[cfg(test)]
pub(super) fn set_actions(file: &mut [u8], version: u32) {
    let length = Header::read(file).unwrap().layout.header;
    file[44..48].copy_from_slice(&version.to_le_bytes());
    let checksum = checksum(&file[..length]);
    file[12..16].copy_from_slice(&checksum.to_le_bytes());
}

/// What is registered while frames are read.
#[derive(Default)]
struct Live {
    registrations: BTreeMap<u64, (u64, Registration)>,
    /// How many registrations there have been.
    order: u64,
}

impl Live {
    fn replay(&mut self, mut body: &[u8]) -> Result<(), Unreadable> {
        const WRONG: Unreadable = Unreadable::Corrupt("a record makes no sense");
        while !body.is_empty() {
            let (record, rest) = Record::read(body).ok_or(WRONG)?;
            body = rest;
            let Record { kind, key, data } = record;
            let known = self.registrations.get_mut(&key);
            match (kind, known) {
                (Kind::Intent, None) => self.register(key, false, data),
                (Kind::Commit, None) => self.register(key, true, data),
                (Kind::Commit, Some((_, registration))) => {
                    registration.committed = true;
                    registration.done = false;
                    data.clone_into(&mut registration.data);
                }
                (Kind::Done, Some((_, registration))) => registration.done = true,
                (Kind::Forget, Some(_)) => {
                    self.registrations.remove(&key);
                }
                _ => return Err(WRONG),
            }
        }
        Ok(())
    }

    fn register(&mut self, key: u64, committed: bool, data: &[u8]) {
        let registration = Registration { key, committed, done: false, data: data.to_owned() };
        self.registrations.insert(key, (self.order, registration));
        self.order += 1;
    }

    fn in_order(self) -> Vec<Registration> {
        let mut live: Vec<_> = self.registrations.into_values().collect();
        live.sort_unstable_by_key(|(order, _)| *order);
        live.into_iter().map(|(_, registration)| registration).collect()
    }
}

#[cfg(test)]
mod tests;
