//! The marks that the macros leave in annotated functions: `macros/src/root.rs` writes them.

use std::collections::BTreeMap;

use object::read::archive::ArchiveFile;
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _};

use super::image::Image;

/// A part of the names of all marks.
const NAME: &str = "__BACKSTOP_MARK";
const FIRST_LINE: &str = "backstop-mark 1";
/// No mark is longer; paths are not, either.
const LONGEST: usize = 1 << 16;

/// An annotated function as its source tells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// The path of the function, from the symbol of the mark: `crate::module::Type::name`.
    pub path: String,
    /// The attributes that apply to it.
    pub attributes: Vec<String>,
    /// The rules that its source allows.
    pub allows: Vec<String>,
    /// It is an `async fn`.
    pub is_async: bool,
    /// The module that it stands in.
    pub module: String,
    /// The file, as rustc was told it.
    pub file: String,
    /// The line of its name.
    pub line: u32,
    /// The column of its name.
    pub column: u32,
}

impl Mark {
    fn parse(symbol: &str, text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(FIRST_LINE) {
            return None;
        }
        let list = |line: &str| {
            line.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let attributes = list(lines.next()?);
        let allows = list(lines.next()?);
        let is_async = lines.next()? == "async";
        let name = lines.next()?.to_owned();
        let module = lines.next()?.to_owned();
        let file = lines.next()?.to_owned();
        let line = lines.next()?.parse().ok()?;
        let column = lines.next()?.parse().ok()?;
        let demangled = format!("{:#}", rustc_demangle::demangle(symbol));
        let path = match demangled.split_once(&format!("::{NAME}")) {
            Some((path, _)) if path != symbol => path.trim_end_matches("::{closure#0}").to_owned(),
            _ => format!("{module}::{name}"),
        };
        Some(Self { path, attributes, allows, is_async, module, file, line, column })
    }
}

/// The marks of a program, by where they lie.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) marks: Vec<Mark>,
    places: BTreeMap<u64, (u64, usize)>,
}

impl Marks {
    pub(super) fn of_image(image: &Image<'_>) -> Self {
        let mut marks = Self::default();
        for symbol in &image.symbols {
            let Ok(name) = std::str::from_utf8(symbol.name) else { continue };
            if !name.contains(NAME) {
                continue;
            }
            let bytes = image.bytes_at(symbol.start).unwrap_or_default();
            let size = usize::try_from(symbol.size).unwrap_or(LONGEST).min(LONGEST);
            let Some(mark) = bytes.get(..size).and_then(|text| Mark::parse(name, text)) else {
                continue;
            };
            let end = symbol.start.saturating_add(symbol.size);
            marks.places.insert(symbol.start, (end, marks.marks.len()));
            marks.marks.push(mark);
        }
        marks
    }

    /// The mark at an address.
    pub(super) fn at(&self, address: u64) -> Option<usize> {
        let (_, (end, mark)) = self.places.range(..=address).next_back()?;
        (address < *end).then_some(*mark)
    }
}

/// The marks in an object file or an archive of them: of all annotated functions that were
/// compiled, whether they were linked or not. What is no object file has none.
#[must_use]
pub fn marks_of_objects(data: &[u8]) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Ok(archive) = ArchiveFile::parse(data) {
        for member in archive.members().flatten() {
            if let Ok(data) = member.data(data) {
                of_object(data, &mut marks);
            }
        }
    } else {
        of_object(data, &mut marks);
    }
    marks.sort();
    marks.dedup();
    marks
}

fn of_object(data: &[u8], marks: &mut Vec<Mark>) {
    let Ok(file) = File::parse(data) else { return };
    for symbol in file.symbols() {
        let Ok(name) = symbol.name() else { continue };
        if !name.contains(NAME) {
            continue;
        }
        let section = symbol.section_index().and_then(|at| file.section_by_index(at).ok());
        let Some(section) = section else { continue };
        let Ok(Some(text)) = section.data_range(symbol.address(), symbol.size()) else { continue };
        marks.extend(Mark::parse(name, text));
    }
}
