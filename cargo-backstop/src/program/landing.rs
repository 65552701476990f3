//! Which functions the unwinder may enter in the middle: those with landing pads, as the tables of
//! the unwinder say.

use gimli::{BaseAddresses, CieOrFde, EhFrame, EndianSlice, LittleEndian, UnwindSection as _};

/// The addresses of functions with landing pads.
#[derive(Debug, Default)]
pub(super) struct Landing {
    /// Sorted; the tables tell of a function by its start.
    starts: Vec<u64>,
    /// The tables could not be read: any function may have some.
    unknown: bool,
}

impl Landing {
    /// From the section `.eh_frame` at its address.
    pub(super) fn read(bytes: &[u8], address: u64) -> Self {
        let mut landing = Self::default();
        landing.unknown = landing.add(bytes, address).is_err();
        landing.starts.sort_unstable();
        landing
    }

    fn add(&mut self, bytes: &[u8], address: u64) -> Result<(), gimli::Error> {
        let frames = EhFrame::from(EndianSlice::new(bytes, LittleEndian));
        let bases = BaseAddresses::default().set_eh_frame(address);
        let mut entries = frames.entries(&bases);
        while let Some(entry) = entries.next()? {
            if let CieOrFde::Fde(partial) = entry {
                let function = partial.parse(EhFrame::cie_from_offset)?;
                if function.lsda().is_some() {
                    self.starts.push(function.initial_address());
                }
            }
        }
        Ok(())
    }

    /// Whether there are landing pads between two addresses.
    pub(super) fn is_between(&self, start: u64, end: u64) -> bool {
        let first = self.starts.partition_point(|found| *found < start);
        self.unknown || self.starts.get(first).is_some_and(|found| *found < end)
    }
}
