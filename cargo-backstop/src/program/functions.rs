//! Where functions begin and end: by the symbols of the linker, and where there are none, by what
//! calls them.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::Function;
use super::decode::{self, Decoded, Reference};
use super::image::{Image, SymbolKind, Word, text};

pub(super) fn covering(functions: &[Function], address: u64) -> Option<usize> {
    let after = functions.partition_point(|function| function.start <= address);
    let found = after.checked_sub(1)?;
    (address < functions[found].end).then_some(found)
}

/// The functions that have symbols, by address. Where two overlap, the second ends the first.
pub(super) fn functions(image: &Image<'_>) -> Vec<Function> {
    let mut by_start: BTreeMap<u64, (u64, Vec<&[u8]>, bool)> = BTreeMap::new();
    for symbol in image.symbols.iter().filter(|symbol| symbol.kind != SymbolKind::Object) {
        let typed = symbol.kind == SymbolKind::Function;
        let known = by_start.entry(symbol.start).or_default();
        known.0 = known.0.max(symbol.size);
        known.1.push(symbol.name);
        known.2 |= typed;
    }
    // Labels of assembly inside a function are no functions.
    let mut covered = 0;
    by_start.retain(|start, (size, _, typed)| {
        if *typed {
            covered = covered.max(start.saturating_add(*size));
        }
        *typed || *start >= covered
    });
    let starts: Vec<u64> = by_start.keys().copied().collect();
    let mut functions = Vec::with_capacity(starts.len());
    for (at, (start, (size, names, _))) in by_start.into_iter().enumerate() {
        let Some(section) = image.section_at(start) else { continue };
        let next = starts.get(at + 1).copied().unwrap_or(u64::MAX).min(section.end);
        let end = if size == 0 { next } else { start.saturating_add(size).min(next) };
        let names = names.into_iter().map(text).collect();
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
    // Several pieces for each worker would be fairer; functions are small and many.
    let size = functions.len().div_ceil(workers);
    thread::scope(|scope| {
        let pieces: Vec<_> = functions
            .chunks(size)
            .map(|piece| scope.spawn(move || piece.iter().map(one).collect::<Vec<_>>()))
            .collect();
        let mut decoded = Vec::with_capacity(functions.len());
        for piece in pieces {
            match piece.join() {
                Ok(piece) => decoded.extend(piece),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        decoded
    })
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
    for (_, reference) in decoded.iter().flat_map(|decoded| &decoded.references) {
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
        found.push(Function { start: *start, end, names: Vec::new() });
    }
    found
}
