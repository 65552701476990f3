//! What `use` items around and inside of a function show.

mod support;

use backstop_rules::{Imports, Scan};
use support::{ALL, body, found, lines};

fn imports(items: &str) -> Imports {
    Imports::of_items(&syn::parse_str::<syn::File>(items).expect("items").items)
}

fn resolve(imports: &Imports, path: &str) -> Option<String> {
    imports.resolve(&syn::parse_str(path).expect("a path"))
}

#[test]
fn a_path_is_resolved_as_far_as_it_is_visible() {
    let imports = imports(
        "use std::process as p; use p::exit as quit; use core::mem::{self, forget};
         use tokio::task::{spawn_blocking, JoinSet}; use std::thread::*; extern crate libc as c;
         mod process {} fn abort() {}",
    );
    for (path, canonical) in [
        ("p::exit", Some("std::process::exit")),
        ("quit", Some("std::process::exit")),
        ("mem::forget", Some("std::mem::forget")),
        ("forget::<T>", Some("std::mem::forget")),
        ("spawn_blocking", Some("tokio::task::spawn_blocking")),
        ("JoinSet::new", Some("tokio::task::JoinSet::new")),
        ("spawn", Some("std::thread::spawn")),
        ("c::_exit", Some("libc::_exit")),
        ("alloc::boxed::Box::leak", Some("std::boxed::Box::leak")),
        ("::tokio::spawn", Some("tokio::spawn")),
        ("process::exit", None),
        ("abort", None),
        ("unknown::exit", None),
        ("exit", None),
    ] {
        assert_eq!(resolve(&imports, path).as_deref(), canonical, "{path}");
    }
    assert!(imports.declares("abort") && imports.declares("process"));
    assert!(!imports.declares("quit"));
}

#[test]
fn imports_are_extended_by_whatever_depth_of_a_body() {
    let block = body("if a { use std::thread::spawn as go; fn f() {} let x = |y| 1; }");
    let extended = imports("use std::process::exit;").extended_by(&block);
    assert_eq!(resolve(&extended, "go").as_deref(), Some("std::thread::spawn"));
    assert_eq!(resolve(&extended, "exit").as_deref(), Some("std::process::exit"));
    assert!(["f", "x", "y"].iter().all(|name| extended.declares(name)));
}

#[test]
fn a_scan_knows_the_items_around_the_function() {
    let scan = |items: &str, code: &str| {
        lines(&Scan::new(ALL).imports(&imports(items)).block(&body(code)))
    };
    let exits = ["process_exit: exit"];
    assert_eq!(scan("use std::process::exit;", "exit(1)"), exits);
    assert_eq!(scan("use std::process::*;", "exit(1)"), exits);
    assert_eq!(scan("use std::process as p;", "use p::exit; exit(1)"), exits);
    assert_eq!(scan("fn exit(_: i32) {}", "exit(1)"), [""; 0]);
    assert_eq!(scan("fn exit(_: i32) {}", "use std::process::exit; exit(1)"), exits);
    assert_eq!(scan("use std::process::exit;", "let exit = f; exit(1)"), [""; 0]);
    assert_eq!(scan("use std::process::exit;", "fn exit(_: i32) {} exit(1)"), [""; 0]);
    assert_eq!(scan("mod process;", "process::exit(1)"), [""; 0]);
    assert_eq!(scan("use crate::process;", "process::exit(1)"), [""; 0]);
    assert_eq!(scan("mod process;", "std::process::exit(1)"), ["process_exit: std::process::exit"]);
    assert_eq!(
        scan("use std::os::unix::process::CommandExt as _; use std::io::Read as _;", "c.exec()"),
        ["process_exec: exec"]
    );
}

#[test]
fn a_parameter_hides_an_imported_function() {
    let function: syn::ItemFn = syn::parse_str("fn f(exit: fn(i32)) { exit(1) }").expect("a fn");
    let imports = imports("use std::process::exit;");
    let scan = Scan::new(ALL).imports(&imports);
    assert_eq!(scan.clone().block(&function.block).findings.len(), 1);
    assert!(scan.signature(&function.sig).block(&function.block).findings.is_empty());
}

#[test]
fn a_renamed_type_is_the_same_type() {
    assert_eq!(found("use std::boxed::Box as B; B::leak(x)"), ["box_leak: B::leak"]);
    let taken_back = "use std::boxed::Box as B; let p = B::into_raw(x); Box::from_raw(p)";
    assert_eq!(found(taken_back), [""; 0]);
    let taken_back = "use std::boxed::Box as B; let p = Box::into_raw(x); B::from_raw(p)";
    assert_eq!(found(taken_back), [""; 0]);
}

#[test]
fn imports_that_go_round_in_circles_end() {
    let imports = imports("use a::b as a; use b::a as b; use c::c; use tokio;");
    assert!(resolve(&imports, "a::exit").is_some());
    assert!(resolve(&imports, "c").is_some());
    assert_eq!(resolve(&imports, "tokio::spawn").as_deref(), Some("tokio::spawn"));
}
