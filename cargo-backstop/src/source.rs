//! From addresses to places in the source.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use addr2line::{Context, LookupResult};
use gimli::{EndianSlice, LittleEndian};
use object::{File, Object as _, ObjectSection as _};

use crate::names::readable;

/// One function at an address: the innermost inlined one first, the one that the linker knows last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The function, where the debug information names it.
    pub function: Option<String>,
    /// The file, as rustc was told it.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// The column.
    pub column: Option<u32>,
}

type Reader<'data> = EndianSlice<'data, LittleEndian>;

/// The debug information of a program.
pub struct Source<'data> {
    context: Option<Context<Reader<'data>>>,
    known: RefCell<BTreeMap<u64, Rc<[Frame]>>>,
}

impl<'data> Source<'data> {
    /// Of the bytes of a program; without debug information no address is known.
    #[must_use]
    pub fn of(file: &'data [u8]) -> Self {
        let context = File::parse(file).ok().and_then(|file| {
            let section = |id: gimli::SectionId| -> Result<Reader<'data>, gimli::Error> {
                let section = file.section_by_name(id.name());
                let data = section.and_then(|section| section.data().ok()).unwrap_or_default();
                Ok(EndianSlice::new(data, LittleEndian))
            };
            let dwarf = gimli::Dwarf::load(section).ok()?;
            Context::from_dwarf(dwarf).ok()
        });
        Self { context, known: RefCell::default() }
    }

    /// The functions at an address, innermost first; nothing where that is not known.
    #[must_use]
    pub fn frames(&self, address: u64) -> Rc<[Frame]> {
        if let Some(known) = self.known.borrow().get(&address) {
            return Rc::clone(known);
        }
        let frames: Rc<[Frame]> = self.look_up(address).unwrap_or_default().into();
        self.known.borrow_mut().insert(address, Rc::clone(&frames));
        frames
    }

    fn look_up(&self, address: u64) -> Option<Vec<Frame>> {
        let context = self.context.as_ref()?;
        let mut lookup = context.find_frames(address);
        let mut found = loop {
            match lookup {
                LookupResult::Output(found) => break found.ok()?,
                // Debug information in other files: what is there is not known.
                LookupResult::Load { continuation, .. } => {
                    lookup = addr2line::LookupContinuation::resume(continuation, None);
                }
            }
        };
        let mut frames = Vec::new();
        while let Ok(Some(frame)) = found.next() {
            let location = frame.location.as_ref();
            let function = frame.function.as_ref().and_then(|function| function.raw_name().ok());
            frames.push(Frame {
                function: function.map(|name| readable(&name)),
                file: location.and_then(|location| location.file).map(str::to_owned),
                line: location.and_then(|location| location.line),
                column: location.and_then(|location| location.column),
            });
        }
        Some(frames)
    }
}
