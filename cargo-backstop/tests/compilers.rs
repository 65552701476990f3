//! A standard library whose names are not those of the table is told, and nothing is proven with it.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use cargo_backstop::canary::{self, Error, SOURCE};
use support::{Project, main_that, stderr, stdout};

fn canary(folder: &Path) -> Vec<u8> {
    let (source, program) = (folder.join("main.rs"), folder.join("canary"));
    fs::write(&source, SOURCE).expect("a file is written");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let status = Command::new(rustc)
        .args(["--edition=2021", "--crate-name=canary", "-Csymbol-mangling-version=v0"])
        .args(["-Cdebuginfo=1", "-Clink-arg=-Wl,--emit-relocs", "-o"])
        .args([&program, &source])
        .status()
        .expect("rustc runs");
    assert!(status.success());
    fs::read(program).expect("the program is read")
}

/// As if the library had another name for something.
fn renamed(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut file = file.to_vec();
    let mut found = 0;
    let mut at = 0;
    while let Some(rest) = file.get_mut(at..at + from.len()) {
        if rest == from.as_bytes() {
            rest.copy_from_slice(to.as_bytes());
            found += 1;
        }
        at += 1;
    }
    assert!(found > 0, "{from} is not there");
    file
}

#[test]
fn each_name_that_the_table_needs_is_missed_when_it_is_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = canary(folder.path());
    let compilers = canary::check(&file).expect("the library is known");
    assert_eq!(compilers.len(), 1, "{compilers:?}");
    // Not those below which another is found: `thread::spawn` calls `Builder::spawn`.
    for (from, to, what) in [
        ("7process4exit", "7process4quit", "calls `std::process::exit`"),
        ("7process5abort", "7process5crash", "calls `std::process::abort`"),
        ("10CommandExt4exec", "10CommandExt4turn", "calls `Command::exec`"),
        ("7Builder5spawn", "7Builder5start", "calls `Builder::spawn`"),
    ] {
        match canary::check(&renamed(&file, from, to)) {
            Err(Error::Library { what: told, .. }) => assert_eq!(told, what),
            other => panic!("{from}: {other:?}"),
        }
    }
}

#[test]
fn what_the_library_does_of_its_own_accord_under_an_unknown_name_is_not_assumed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = canary(folder.path());
    let other = renamed(&file, "15DtorUnwindGuard", "15DtorUnwindAlarm");
    match canary::check(&other) {
        Err(Error::Library { what, .. }) => assert!(what.contains("threads"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_of_an_unknown_release_is_not_judged() {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    assert_eq!(project.verify(&["--release"]).status.code(), Some(1));
    let program = project.folder().join("target/backstop/release/sample");
    let file = fs::read(&program).expect("the program");
    let of = |name: &str, file: &[u8]| {
        fs::write(project.folder().join(name), file).expect("written");
        project.verify(&["--program", name])
    };
    let output = of("same", &file);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let output = of("later", &renamed(&file, "rustc version 1.", "rustc version 9."));
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("it was compiled by rustc 9."), "{}", stderr(&output));
    let output = of("nameless", &renamed(&file, "rustc version 1.", "cargo version 1."));
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    assert!(stderr(&output).contains("does not say which rustc"), "{}", stderr(&output));
}

/// A compiler whose library has another name for `process::exit`: what it links is changed.
const OTHER: &str = r#"#!/bin/sh
rustc "$@" || exit
folder= crate=
while [ $# -gt 0 ]; do
    case "$1" in --out-dir) folder=$2 ;; --crate-name) crate=$2 ;; esac
    shift
done
[ -n "$folder" ] || exit 0
for file in "$folder/$crate"-*; do
    case "$file" in *.d) ;; *) sed -i s/7process4exit/7process4quit/g "$file" ;; esac
done
"#;

#[test]
fn a_build_with_an_unknown_library_proves_nothing() {
    let project = Project::new(&[("src/main.rs", &main_that(true)), ("rustc.sh", OTHER)]);
    let script = project.folder().join("rustc.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may run");
    let run = |command: &str| {
        let mut run = project.command();
        run.env("RUSTC", &script).arg(command).output().expect("it runs")
    };
    for command in ["verify", "audit"] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(2), "{}{}", stdout(&output), stderr(&output));
        let told = stderr(&output);
        assert!(told.contains("a function that calls `std::process::exit` came out as"), "{told}");
        assert!(!stdout(&output).contains("proven"));
    }
}
