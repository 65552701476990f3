//! The marks that the macros leave in annotated functions: `macros/src/root.rs` writes them.

use std::collections::BTreeMap;
use std::fmt;

use object::read::archive::ArchiveFile;
use object::{File, Object as _, ObjectSection as _, ObjectSymbol as _};

use super::Error;
use super::image::{Image, text};

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
        let path = path_of(symbol).unwrap_or_else(|| format!("{module}::{name}"));
        Some(Self { path, attributes, allows, is_async, module, file, line, column })
    }
}

/// The path of the function whose mark has this symbol.
fn path_of(symbol: &str) -> Option<String> {
    let demangled = format!("{:#}", rustc_demangle::try_demangle(symbol).ok()?);
    let (path, _) = demangled.split_once(&format!("::{NAME}"))?;
    Some(path.trim_end_matches("::{closure#0}").to_owned())
}

/// The marks of a program, by where they lie.
#[derive(Default)]
pub(super) struct Marks {
    pub(super) marks: Vec<Mark>,
    places: BTreeMap<u64, (u64, usize)>,
}

impl Marks {
    pub(super) fn of_image(image: &Image<'_>) -> Result<Self, Error> {
        let mut marks = Self::default();
        for symbol in &image.symbols {
            let Ok(name) = std::str::from_utf8(symbol.name) else { continue };
            if !name.contains(NAME) {
                continue;
            }
            let bytes = image.bytes_at(symbol.start).unwrap_or_default();
            let size = usize::try_from(symbol.size).unwrap_or(LONGEST).min(LONGEST);
            let mark = bytes.get(..size).and_then(|text| Mark::parse(name, text));
            let mark = mark.ok_or_else(|| Error::Mark(name.to_owned()))?;
            let end = symbol.start.saturating_add(symbol.size);
            marks.places.insert(symbol.start, (end, marks.marks.len()));
            marks.marks.push(mark);
        }
        Ok(marks)
    }

    /// The mark at an address.
    pub(super) fn at(&self, address: u64) -> Option<usize> {
        let (_, (end, mark)) = self.places.range(..=address).next_back()?;
        (address < *end).then_some(*mark)
    }
}

/// What object files say of the annotated functions that were compiled, whether they were linked or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Objects {
    /// Their marks.
    pub marks: Vec<Mark>,
    /// The paths of those in LLVM bitcode, where marks cannot be read: for `lto = "fat"`, libraries are nothing else.
    pub in_bitcode: Vec<String>,
    /// What cannot be read at all, and so could hold others.
    pub unreadable: Vec<Unreadable>,
}

/// A part of an object file or an archive that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Unreadable {
    /// The member of the archive.
    pub member: Option<String>,
    /// Why.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(out, "`{member}`: {}", self.why),
            None => out.write_str(&self.why),
        }
    }
}

/// What an object file, or an archive of them, says of annotated functions.
#[must_use]
pub fn marks_of_objects(data: &[u8]) -> Objects {
    let mut objects = Objects::default();
    match ArchiveFile::parse(data) {
        Ok(archive) => {
            for member in archive.members() {
                match member {
                    Ok(member) => {
                        let name = text(member.name());
                        match member.data(data) {
                            Ok(data) => objects.add(Some(&name), data),
                            Err(error) => objects.cannot_read(Some(&name), &error),
                        }
                    }
                    Err(error) => objects.cannot_read(None, &error),
                }
            }
        }
        Err(_) => objects.add(None, data),
    }
    objects.marks.sort();
    objects.marks.dedup();
    objects.in_bitcode.sort();
    objects.in_bitcode.dedup();
    objects
}

impl Objects {
    fn cannot_read(&mut self, member: Option<&str>, why: &impl ToString) {
        let member = member.map(str::to_owned);
        self.unreadable.push(Unreadable { member, why: why.to_string() });
    }

    fn add(&mut self, member: Option<&str>, data: &[u8]) {
        if BITCODE.iter().any(|magic| data.starts_with(magic)) {
            self.in_bitcode.extend(paths_in_bitcode(data));
            return;
        }
        // rustc's own: an object file or not, there is no code in it.
        if member.is_some_and(|name| name.starts_with("lib.rmeta")) {
            return;
        }
        if let Err(error) = self.add_object(member, data) {
            self.cannot_read(member, &error);
        }
    }

    fn add_object(&mut self, member: Option<&str>, data: &[u8]) -> Result<(), object::read::Error> {
        let file = File::parse(data)?;
        for symbol in file.symbols() {
            let name = symbol.name()?;
            // Another object file's: it is only mentioned here.
            if !name.contains(NAME) || symbol.is_undefined() {
                continue;
            }
            let at = symbol.section_index().map(|at| file.section_by_index(at)).transpose()?;
            let range = at.map(|at| at.data_range(symbol.address(), symbol.size())).transpose()?;
            match range.flatten().and_then(|text| Mark::parse(name, text)) {
                Some(mark) => self.marks.push(mark),
                None => self.cannot_read(
                    member,
                    &format!("the mark `{name}` is not one of this version's"),
                ),
            }
        }
        Ok(())
    }
}

/// What LLVM bitcode begins with, without and with a header around it.
const BITCODE: [&[u8]; 2] = [b"BC\xc0\xde", b"\xde\xc0\x17\x0b"];

/// The names of symbols stand in bitcode as they are, one behind the other.
fn paths_in_bitcode(data: &[u8]) -> impl Iterator<Item = String> + '_ {
    let ends = data.windows(NAME.len()).enumerate();
    let ends = ends.filter(|(_, window)| *window == NAME.as_bytes()).map(|(at, _)| at + NAME.len());
    ends.map(|end| {
        let before = &data[end.saturating_sub(LONGEST)..end];
        let starts = before.windows(2).enumerate().rev().filter(|(_, window)| *window == b"_R");
        let mut symbols =
            starts.filter_map(|(start, _)| std::str::from_utf8(&before[start..]).ok());
        let known = symbols.find_map(path_of);
        known.unwrap_or_else(|| "an annotated function".to_owned())
    })
}
