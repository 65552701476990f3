//! Names of functions, from the linker's to those that a table can hold.

use rustc_demangle::demangle;

/// The crates that make up the standard library's own code.
const STANDARD: [&str; 8] =
    ["std", "core", "alloc", "panic_unwind", "panic_abort", "unwind", "std_detect", "__rustc"];

/// Words that begin no path.
const NOT_CRATES: [&str; 34] = [
    "as", "dyn", "impl", "for", "fn", "mut", "const", "unsafe", "extern", "true", "false", "u8",
    "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f16", "f32",
    "f64", "f128", "bool", "char", "str", "_", "C", "raw", "system",
];

/// A symbol as Rust writes it, without its hash; other languages' as they are.
#[must_use]
pub fn readable(symbol: &str) -> String {
    let symbol = without_llvm_suffix(symbol);
    let name = format!("{:#}", demangle(symbol));
    // The linker writes the version of what comes from a library.
    name.split('@').next().unwrap_or_default().to_owned()
}

/// LLVM's passes add `.llvm.123`, `.cold`, `.specialized.1` to the names of functions they change.
fn without_llvm_suffix(symbol: &str) -> &str {
    match symbol.find('.') {
        Some(dot) if symbol.starts_with("_R") => &symbol[..dot],
        _ => symbol,
    }
}

/// A readable name without its generic arguments: `std::thread::spawn` for
/// `std::thread::spawn::<F>`, `<Vec as Drop>::drop` for `<Vec<u8> as Drop>::drop`.
#[must_use]
pub fn without_generics(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut skipped = 0_usize;
    let mut before = ' ';
    for char in name.chars() {
        let is_arrow = char == '>' && before == '-';
        if skipped > 0 {
            match char {
                '<' => skipped += 1,
                '>' if !is_arrow => skipped -= 1,
                _ => {}
            }
        } else if char == '<' && (before.is_alphanumeric() || matches!(before, '_' | ':' | '}')) {
            skipped = 1;
            if plain.ends_with("::") {
                plain.truncate(plain.len() - 2);
            }
        } else {
            plain.push(char);
        }
        before = char;
    }
    plain
}

/// The crate that a function belongs to: the first that its name names.
#[must_use]
pub fn crate_of(name: &str) -> Option<&str> {
    crates(name).next()
}

/// The crates that a readable name names, in order.
fn crates(name: &str) -> impl Iterator<Item = &str> {
    let is_path = |char: char| char.is_alphanumeric() || matches!(char, '_' | ':' | '#');
    // Braces are around `closure#0`, a part of a path.
    let words = name.split(move |char: char| !is_path(char) && !matches!(char, '{' | '}'));
    words.filter_map(|word| {
        let first = word.split("::").next()?;
        let starts = first.chars().next().is_some_and(|char| char.is_alphabetic() || char == '_');
        (starts && word.contains("::") && !NOT_CRATES.contains(&first)).then_some(first)
    })
}

/// Whether a function is the standard library's, through and through: not an instance with
/// somebody else's types, and not one that only passes a call on.
///
/// What such a function does of its own accord to end the process is the library's own business;
/// what it does because it was told to is its caller's.
#[must_use]
pub fn is_standard(name: &str) -> bool {
    let mut crates = crates(name).peekable();
    crates.peek().is_some()
        && crates.all(|name| STANDARD.contains(&name))
        && !["core::ops::function::", "fn(", "std::process::exit>", "std::process::abort>"]
            .iter()
            .any(|passed_on| name.contains(passed_on))
        && !name.contains("std::process::exit as ")
        && !name.contains("std::process::abort as ")
        && !name.contains(", std::process::")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generic_arguments_are_left_out() {
        for (name, plain) in [
            ("std::thread::spawn::<app::main::{closure#0}, ()>", "std::thread::spawn"),
            (
                "<alloc::vec::Vec<u8> as core::ops::Drop>::drop",
                "<alloc::vec::Vec as core::ops::Drop>::drop",
            ),
            ("<app::A>::call::<fn(i32) -> !>", "<app::A>::call"),
            ("<app::A<fn(i32) -> !>>::call", "<app::A>::call"),
            ("exit", "exit"),
        ] {
            assert_eq!(without_generics(name), plain);
        }
    }

    #[test]
    fn an_instance_with_foreign_types_is_not_the_standard_librarys() {
        for name in [
            "std::sys::pal::unix::abort_internal",
            "<std::sys::thread_local::abort_on_dtor_unwind::DtorUnwindGuard as core::ops::drop::Drop>::drop",
            "std::rt::lang_start_internal::{closure#0}",
            "<alloc::vec::Vec<u8>>::push",
        ] {
            assert!(is_standard(name), "{name}");
        }
        for name in [
            "app::main",
            "<core::option::Option<i32>>::map::<(), app::f>",
            "<core::option::Option<i32>>::map::<!, fn(i32) -> !>",
            "<core::option::Option<i32>>::map::<!, std::process::exit>",
            "<std::process::exit as core::ops::function::FnOnce<(i32,)>>::call_once",
            "exit",
            "<app::A as core::clone::Clone>::clone",
        ] {
            assert!(!is_standard(name), "{name}");
        }
    }

    #[test]
    fn the_crate_is_the_first_that_is_named() {
        assert_eq!(crate_of("<dyn app::T as core::fmt::Debug>::fmt"), Some("app"));
        assert_eq!(crate_of("<&mut [u8] as std::io::Read>::read"), Some("std"));
        assert_eq!(crate_of("memcpy"), None);
    }
}
