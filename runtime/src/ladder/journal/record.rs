//! The bytes of the log: frames with a checksum, and the records in them.
//!
//! ```text
//! frame:  magic u32 | length u32 | generation u64 | sequence u64 | checksum u32 | head u32 | body
//! body:   record*, each: kind u8 | 0 [3] | length u32 | key u64 | data | 0 up to 8 bytes
//! ```
//!
//! All numbers are little-endian. One frame is one write: whatever a power cut leaves of a
//! half-written one, no valid frame comes after it, because the next is written only once this one
//! is on disk. The checksum covers the segment's random nonce, the numbers and the body, so that a
//! frame is valid in its own place only; `head` is that of the frame without its body.
//!
//! A disk writes whole sectors, of 512 bytes at least, in any order. Where the next frame goes there
//! are zeros. So a half-written frame has sectors as they should be and sectors of zeros, and one that
//! has anything else was whole once, and is damaged: [`Tail::is_damaged`].

/// The size of a frame without its body.
pub(super) const FRAME: usize = 32;
/// The size of a record without its data; that of a withdrawal.
pub(super) const RECORD: usize = 16;
/// Frames and records begin at multiples of this.
const ALIGNMENT: usize = 8;
/// What a disk writes at once, at least.
const SECTOR: usize = 512;
/// No action is larger; commands with many arguments are the largest.
pub(super) const MAX_DATA: usize = 1 << 20;

/// What happens to a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Something is about to be created.
    Intent = 1,
    /// It exists.
    Commit = 2,
    /// It is not to be cleaned up any more.
    Forget = 3,
    /// It was removed, in this start of the system: a power cut may bring it back.
    Done = 4,
}

impl Kind {
    /// Whether nothing is owed from then on.
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::Forget | Self::Done)
    }
}

/// One change to one registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) kind: Kind,
    pub(super) key: u64,
    /// The action, and what it is on; nothing for [`Kind::Forget`] and [`Kind::Done`].
    pub(super) data: &'a [u8],
}

impl<'a> Record<'a> {
    /// How many bytes it takes in a body.
    pub(super) fn size(data: &[u8]) -> usize {
        RECORD + data.len().next_multiple_of(ALIGNMENT)
    }

    pub(super) fn write(&self, body: &mut Vec<u8>) {
        let length = u32::try_from(self.data.len()).unwrap_or(u32::MAX);
        body.extend([self.kind as u8, 0, 0, 0]);
        body.extend(length.to_le_bytes());
        body.extend(self.key.to_le_bytes());
        body.extend(self.data);
        body.resize(body.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// The first record of `body`, and what follows it.
    pub(super) fn read(body: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (head, rest) = body.split_at_checked(RECORD)?;
        let kind = match head[0] {
            1 => Kind::Intent,
            2 => Kind::Commit,
            3 => Kind::Forget,
            4 => Kind::Done,
            _ => return None,
        };
        let length = usize::try_from(u32_at(head, 4)?).ok()?;
        let (data, _) = rest.split_at_checked(length)?;
        let (_, rest) = rest.split_at_checked(length.checked_next_multiple_of(ALIGNMENT)?)?;
        Some((Self { kind, key: u64_at(head, 8)?, data }, rest))
    }
}

/// Where the next frame goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    pub(super) nonce: [u8; 16],
    pub(super) generation: u64,
    pub(super) sequence: u64,
    /// Offsets in the file: of the next frame, and of the end of the room.
    pub(super) at: usize,
    pub(super) end: usize,
    /// Up to where there may be something else than zeros: what is left of a write that failed.
    pub(super) spoiled: usize,
}

impl Tail {
    /// The next frame, around the body that `frame` has behind its first [`FRAME`] bytes.
    pub(super) fn seal(&self, frame: &mut [u8]) {
        let (head, body) = frame.split_at_mut(FRAME);
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        head[..4].copy_from_slice(&self.magic());
        head[4..8].copy_from_slice(&length.to_le_bytes());
        head[8..16].copy_from_slice(&self.generation.to_le_bytes());
        head[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        let checksum = self.checksum(&head[4..24], body);
        head[24..28].copy_from_slice(&checksum.to_le_bytes());
        let checksum = self.checksum(&head[4..28], &[]);
        head[28..32].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Lets the write of a frame clear what is behind it; returns the length of the frame.
    pub(super) fn pad(&self, frame: &mut Vec<u8>) -> usize {
        let length = frame.len();
        frame.resize(length.max(self.spoiled.saturating_sub(self.at)), 0);
        length
    }

    /// Moves behind a frame that has been written.
    pub(super) fn advance(&mut self, frame: usize) {
        self.at += frame;
        self.sequence += 1;
        self.spoiled = 0;
    }

    /// The body of the frame at `offset`, if it is a valid one of this segment, of whatever
    /// generation and sequence: those are returned.
    pub(super) fn frame_at<'a>(&self, file: &'a [u8], offset: usize) -> Option<Frame<'a>> {
        let file = file.get(offset..self.end)?;
        let (head, rest) = file.split_at_checked(FRAME)?;
        let length = self.length(head)?;
        let (body, _) = rest.split_at_checked(length)?;
        let valid = u32_at(head, 24)? == self.checksum(&head[4..24], body);
        valid.then_some(Frame { generation: u64_at(head, 8)?, sequence: u64_at(head, 16)?, body })
    }

    /// The length of the body behind a head, if that is a valid one.
    fn length(&self, head: &[u8]) -> Option<usize> {
        if head[..4] != self.magic() {
            return None;
        }
        let length = usize::try_from(u32_at(head, 4)?).ok()?;
        let valid = u32_at(head, 28)? == self.checksum(&head[4..28], &[]);
        (valid && length % ALIGNMENT == 0).then_some(length)
    }

    /// Whether what is here, and is no valid frame, cannot be what a power cut left of one.
    ///
    /// That is not seen where a whole sector's part of it reads as zeros.
    pub(super) fn is_damaged(&self, file: &[u8]) -> bool {
        let Some(head) = file.get(self.at..self.end.min(self.at + FRAME)) else { return false };
        if has_blank_sector(head, self.at) {
            return false;
        }
        let Some(length) = (head.len() == FRAME).then(|| self.length(head)).flatten() else {
            return true;
        };
        // The sector that the head ends in is there.
        let body = (self.at + FRAME).next_multiple_of(SECTOR);
        let end = self.at + FRAME + length;
        end <= body || file.get(body..end).is_some_and(|rest| !has_blank_sector(rest, body))
    }

    /// The valid frames that begin anywhere in `from..` up to the end of the room.
    pub(super) fn frames_after<'a>(
        &'a self,
        file: &'a [u8],
        from: usize,
    ) -> impl Iterator<Item = Frame<'a>> {
        (from..self.end).step_by(ALIGNMENT).filter_map(|offset| self.frame_at(file, offset))
    }

    fn magic(&self) -> [u8; 4] {
        // Never zero, so that room not yet written is never looked at closer.
        [self.nonce[0] | 1, self.nonce[1], self.nonce[2], self.nonce[3]]
    }

    fn checksum(&self, numbers: &[u8], body: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.nonce);
        hasher.update(numbers);
        hasher.update(body);
        hasher.finalize()
    }
}

/// A frame that was read.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) generation: u64,
    pub(super) sequence: u64,
    pub(super) body: &'a [u8],
}

/// Whether a sector's part of `bytes`, which begin at `at`, is nothing but zeros.
fn has_blank_sector(bytes: &[u8], at: usize) -> bool {
    let (first, rest) = bytes.split_at(bytes.len().min(SECTOR - at % SECTOR));
    let is_blank = |part: &[u8]| part.iter().all(|byte| *byte == 0);
    is_blank(first) || rest.chunks(SECTOR).any(is_blank)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}
