//! This program in the place of rustc: cargo runs it for each crate of a build of `verify`.
//!
//! So the user's own flags stay, wherever they come from: `RUSTFLAGS` would replace those of the
//! configuration. Ours are put behind them, where they win.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Says that this process is to be rustc.
pub const VARIABLE: &str = "CARGO_BACKSTOP_WRAPPER";
/// The wrapper that the user had; empty: none.
pub const CHAIN: &str = "CARGO_BACKSTOP_CHAIN";
/// Asks the macros for marks: `macros/src/root.rs`.
pub const MARK: &str = "CARGO_BACKSTOP_MARK";

/// Changes when the flags do: what was built with others is of no use.
pub const FLAGS_VERSION: &str = "1";

/// Runs rustc, as cargo asked, with our flags. `arguments` begin with the path of rustc.
#[must_use]
pub fn run(arguments: &[OsString]) -> ExitCode {
    let mut command = match std::env::var_os(CHAIN).filter(|chain| !chain.is_empty()) {
        Some(chain) => {
            let mut command = Command::new(chain);
            command.args(arguments);
            command
        }
        None => {
            let Some((rustc, rest)) = arguments.split_first() else {
                eprintln!("error: `{VARIABLE}` is set, and no compiler is named");
                return ExitCode::from(2);
            };
            let mut command = Command::new(rustc);
            command.args(rest);
            command
        }
    };
    let added = flags(arguments);
    if !added.is_empty() {
        remove_objects(arguments);
        command.args(added);
    }
    command.env_remove(VARIABLE);
    match command.status() {
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(1))
        }
        Err(error) => {
            let program = Path::new(command.get_program()).display();
            eprintln!("error: cannot run `{program}`: {error}");
            ExitCode::from(2)
        }
    }
}

/// The value of an option, as `--key value`, `--key=value` or `-Ckey=value` after `-C`.
fn values<'a>(arguments: &'a [OsString], key: &'a str) -> impl Iterator<Item = &'a str> {
    let text: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let mut found = Vec::new();
    for (at, argument) in text.iter().enumerate() {
        if *argument == key {
            found.extend(text.get(at + 1).copied());
        } else if let Some(value) = argument.strip_prefix(key) {
            found.extend(value.strip_prefix('='));
        }
    }
    found.into_iter()
}

fn codegen<'a>(arguments: &'a [OsString], key: &'a str) -> Option<&'a str> {
    let text: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let mut found = None;
    for (at, argument) in text.iter().enumerate() {
        let option = match *argument {
            "-C" | "--codegen" => text.get(at + 1).copied(),
            other => other.strip_prefix("-C").or_else(|| other.strip_prefix("--codegen=")),
        };
        let value = option.and_then(|option| option.strip_prefix(key)?.strip_prefix('='));
        found = value.or(found);
    }
    found
}

/// The flags that a compilation gets beside its own.
fn flags(arguments: &[OsString]) -> Vec<OsString> {
    let name = values(arguments, "--crate-name").next();
    // Cargo asks the compiler about itself with a crate of this name.
    let Some(name) = name.filter(|name| *name != "___") else { return Vec::new() };
    let kinds: Vec<&str> =
        values(arguments, "--crate-type").flat_map(|kinds| kinds.split(',')).collect();
    // These run during the build, and are no part of any program.
    if kinds.contains(&"proc-macro") || name.starts_with("build_script_") {
        return Vec::new();
    }
    let mut flags = vec![
        "-Csymbol-mangling-version=v0",
        // Line tables, and the full names of inlined functions.
        "-Cdebuginfo=1",
        "-Csplit-debuginfo=off",
        "-Cstrip=none",
    ];
    let is_test = arguments.iter().any(|argument| argument == "--test");
    if is_test || kinds.iter().any(|kind| matches!(*kind, "bin" | "cdylib" | "dylib")) {
        let bare = codegen(arguments, "linker-flavor").is_some_and(|flavor| {
            flavor.starts_with("ld") || flavor == "gnu" || flavor == "gnu-lld"
        });
        flags.push(if bare { "-Clink-arg=--emit-relocs" } else { "-Clink-arg=-Wl,--emit-relocs" });
        // The linker leaves out what nothing refers to; the object files still have its marks.
        flags.push("--emit=obj");
    }
    flags.into_iter().map(OsString::from).collect()
}

/// Removes the object files that an earlier run kept: their names depend on the code.
fn remove_objects(arguments: &[OsString]) {
    let Some(folder) = values(arguments, "--out-dir").next() else { return };
    let Some(name) = values(arguments, "--crate-name").next() else { return };
    let extra = codegen(arguments, "extra-filename").unwrap_or_default();
    for object in objects(Path::new(folder), &format!("{name}{extra}")) {
        // If it stays, a function that is gone is told to be not linked.
        let _ = std::fs::remove_file(object);
    }
}

/// The object files that were kept of a crate: `stem.o`, `stem.*.rcgu.o`.
#[must_use]
pub fn objects(folder: &Path, stem: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let rest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
        rest.is_some_and(|rest| rest.split('.').next_back() == Some("o"))
    };
    let mut objects: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_one).collect();
    objects.sort();
    objects
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags_of(arguments: &str) -> Vec<String> {
        let arguments: Vec<OsString> = arguments.split_whitespace().map(OsString::from).collect();
        flags(&arguments).into_iter().filter_map(|flag| flag.into_string().ok()).collect()
    }

    #[test]
    fn only_what_becomes_part_of_a_program_is_changed() {
        let marked = "-Csymbol-mangling-version=v0".to_owned();
        let relocations = "-Clink-arg=-Wl,--emit-relocs".to_owned();
        assert_eq!(flags_of("rustc -vV"), Vec::<String>::new());
        assert_eq!(flags_of("rustc - --crate-name ___ --print=cfg"), Vec::<String>::new());
        assert!(flags_of("rustc --crate-name m --crate-type proc-macro").is_empty());
        assert!(flags_of("rustc --crate-name build_script_build --crate-type bin").is_empty());
        let library = flags_of("rustc --crate-name a --crate-type lib");
        assert!(library.contains(&marked) && !library.contains(&relocations));
        assert!(flags_of("rustc --crate-name a --crate-type bin").contains(&relocations));
        assert!(flags_of("rustc --crate-name a --test").contains(&relocations));
    }

    #[test]
    fn a_linker_without_a_compiler_before_it_gets_its_own_flag() {
        let flags = flags_of("rustc --crate-name a --crate-type bin -C linker-flavor=ld.lld");
        assert!(flags.contains(&"-Clink-arg=--emit-relocs".to_owned()));
    }
}
