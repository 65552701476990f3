//! A disk with a volatile cache, as real ones have: what was written is read again at once, and is
//! on the medium only once it was flushed. Of the rest, a power cut leaves any part.

use fastrand::Rng;

/// What a power cut leaves whole or not at all. Where the disk tore blocks of ext4 into sectors of 512
/// bytes, Linux 6.1 did not mount it any more after some cuts ("journal transaction is corrupt"): all
/// of a commit block is under one checksum.
pub const SECTOR: usize = 4096;

/// What becomes of the writes that were not flushed, when the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All reach the medium: a disk without a volatile cache, or a machine that is only reset.
    Nothing,
    /// None does.
    Everything,
    /// Those do that came before some instant, and a part of the one at that instant.
    FromAnInstant,
    /// Each sector does or does not.
    AnySector,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Nothing, Self::Everything, Self::FromAnInstant, Self::AnySector];
}

/// The disk.
#[derive(Debug)]
pub struct Disk {
    /// What is read.
    current: Vec<u8>,
    /// What outlives a power cut.
    medium: Vec<u8>,
    /// Sectors that were written since the last flush, in their order.
    cache: Vec<(usize, [u8; SECTOR])>,
}

impl Disk {
    /// A disk that holds this.
    #[must_use]
    pub fn new(content: Vec<u8>) -> Self {
        Self { medium: content.clone(), current: content, cache: Vec::new() }
    }

    /// Its size in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.current.len()
    }

    /// Reads, unless that is beyond its end.
    #[must_use]
    pub fn read(&self, at: usize, length: usize) -> Option<&[u8]> {
        self.current.get(at..at.checked_add(length)?)
    }

    /// Writes whole sectors; into the medium at once if `through`. Whether they are sectors of it.
    #[must_use]
    pub fn write(&mut self, at: usize, bytes: &[u8], through: bool) -> bool {
        if at % SECTOR != 0 || bytes.len() % SECTOR != 0 || at + bytes.len() > self.size() {
            return false;
        }
        self.current[at..at + bytes.len()].copy_from_slice(bytes);
        if through {
            // What was cached of them is older.
            self.cache.retain(|(cached, _)| !(at..at + bytes.len()).contains(cached));
            self.medium[at..at + bytes.len()].copy_from_slice(bytes);
        } else {
            let sectors = bytes.chunks_exact(SECTOR).zip((at..).step_by(SECTOR));
            self.cache.extend(sectors.filter_map(|(it, at)| Some((at, it.try_into().ok()?))));
        }
        true
    }

    /// Everything that was written is on the medium.
    pub fn flush(&mut self) {
        for (at, sector) in self.cache.drain(..) {
            self.medium[at..at + SECTOR].copy_from_slice(&sector);
        }
    }

    /// The power is cut, and comes back. How many sectors were lost.
    pub fn cut(&mut self, which: Loss, random: &mut Rng) -> usize {
        let all = self.cache.len();
        match which {
            Loss::Nothing => {}
            Loss::Everything => self.cache.clear(),
            Loss::FromAnInstant => self.cache.truncate(random.usize(0..=all)),
            Loss::AnySector => self.cache.retain(|_| random.bool()),
        }
        let lost = all - self.cache.len();
        self.flush();
        self.current.clone_from(&self.medium);
        lost
    }
}
