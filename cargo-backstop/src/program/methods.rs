//! Tables of methods of trait objects, told apart from other data by their shape.
//!
//! rustc lays one out as: the drop glue or null, the size, the alignment, then the methods. The
//! shape is no part of the language, but it has been the same since Rust 1.0, and a table of
//! anything else would have to hold a function, a size and a power of two in just these places.

use super::image::{Image, Word};

/// The largest alignment that Rust knows.
const MOST_ALIGNED: u64 = 1 << 29;

/// Whether the piece of data is a table of methods. `words` are those of it that hold addresses.
pub(super) fn is_table(image: &Image<'_>, start: u64, end: u64, words: &[(u64, Word)]) -> bool {
    if start % 8 != 0 || end - start < 24 {
        return false;
    }
    let Some(section) = image.section_at(start) else { return false };
    if section.changes {
        return false;
    }
    let number = |at: u64| {
        let bytes = image.bytes_at(start + at)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*bytes))
    };
    let word = |at: u64| words.iter().find(|(place, _)| *place == start + at).map(|(_, word)| word);
    let drops = match word(0) {
        Some(Word::Address(address)) => image.is_code(*address),
        Some(_) => false,
        None => number(0) == Some(0),
    };
    let (Some(size), Some(align)) = (number(8), number(16)) else { return false };
    drops
        && word(8).is_none()
        && word(16).is_none()
        && align.is_power_of_two()
        && align <= MOST_ALIGNED
        && size % align == 0
}
