//! Where functions begin and end: by the symbols of the linker, and where there are none, by what
//! calls them.

use std::collections::BTreeSet;
use std::thread;

use super::decode::{self, Decoded, Reference};
use super::image::{Image, Symbol, SymbolKind, Word, text};
use super::{Function, Names};

pub(super) fn covering(functions: &[Function], address: u64) -> Option<usize> {
    let after = functions.partition_point(|function| function.start <= address);
    let found = after.checked_sub(1)?;
    (address < functions[found].end).then_some(found)
}

/// The functions that have symbols, by address. Where two overlap, the second ends the first.
pub(super) fn functions(image: &Image<'_>) -> Vec<Function> {
    let symbols = image.symbols.iter();
    let mut symbols: Vec<&Symbol<'_>> =
        symbols.filter(|symbol| symbol.kind != SymbolKind::Object).collect();
    symbols.sort_by_key(|symbol| symbol.start);
    let size = |names: &[&Symbol<'_>]| names.iter().map(|symbol| symbol.size).max().unwrap_or(0);
    // Labels of assembly inside a function are no functions.
    let mut covered = 0;
    let of_one_place = symbols.chunk_by(|a, b| a.start == b.start).filter(|names| {
        let typed = names.iter().any(|symbol| symbol.kind == SymbolKind::Function);
        if typed {
            covered = covered.max(names[0].start.saturating_add(size(names)));
        }
        typed || names[0].start >= covered
    });
    let mut of_one_place = of_one_place.peekable();
    let mut functions = Vec::with_capacity(symbols.len());
    while let Some(names) = of_one_place.next() {
        let (start, size) = (names[0].start, size(names));
        let Some(section) = image.section_at(start) else { continue };
        let next = of_one_place.peek().map_or(u64::MAX, |names| names[0].start).min(section.end);
        let end = if size == 0 { next } else { start.saturating_add(size).min(next) };
        let names = Names::new(names.iter().map(|symbol| text(symbol.name)));
        functions.push(Function { start, end, names });
    }
    functions
}

/// Decodes functions on all processors.
pub(super) fn decode_all(image: &Image<'_>, functions: &[Function]) -> Vec<Decoded> {
    let one = |function: &Function| {
        decode::decode(image, function.start, function.end, function.names.is_empty())
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    if functions.len() < 256 || workers == 1 {
        return functions.iter().map(one).collect();
    }
    let mut decoded: Vec<Decoded> = functions.iter().map(|_| Decoded::default()).collect();
    // Several pieces for each worker would be fairer; functions are small and many.
    let size = functions.len().div_ceil(workers);
    thread::scope(|scope| {
        for (functions, decoded) in functions.chunks(size).zip(decoded.chunks_mut(size)) {
            scope.spawn(move || {
                for (function, decoded) in functions.iter().zip(decoded) {
                    *decoded = one(function);
                }
            });
        }
    });
    decoded
}

/// Code that something refers to and that has no symbol.
pub(super) fn unnamed(
    image: &Image<'_>,
    functions: &[Function],
    decoded: &[Decoded],
) -> Vec<Function> {
    let mut starts = BTreeSet::new();
    let mut add = |address: u64| {
        if image.is_code(address) && covering(functions, address).is_none() {
            starts.insert(address);
        }
    };
    for (_, reference) in decoded.iter().flat_map(|decoded| decoded.references.iter()) {
        match reference {
            Reference::Code(address, _) | Reference::Address(address) => add(*address),
            Reference::Slot(..) | Reference::Memory(_) | Reference::SystemCall(_) => {}
        }
    }
    for (_, word) in &image.words {
        match word {
            Word::Address(address) | Word::Resolved(address) => add(*address),
            Word::Import(_) => {}
        }
    }
    image.relative.iter().for_each(|address| add(*address));
    add(image.entry);
    let next_named = |address: u64| {
        let after = functions.partition_point(|function| function.start <= address);
        functions.get(after).map_or(u64::MAX, |function| function.start)
    };
    let all: Vec<u64> = starts.into_iter().collect();
    let mut found = Vec::with_capacity(all.len());
    for (at, start) in all.iter().enumerate() {
        let Some(section) = image.section_at(*start) else { continue };
        let next = all.get(at + 1).copied().unwrap_or(u64::MAX);
        let limit = section.end.min(next).min(next_named(*start));
        // Where it ends, only its instructions tell.
        let end = decode::decode(image, *start, limit, true).end.max(*start + 1).min(limit);
        found.push(Function { start: *start, end, names: Names::default() });
    }
    found
}
