//! What `cargo backstop audit --sources` looks at in macros that are called where items are.

mod support;

use support::{Project, stderr, stdout};

const MACROS: &str = "
macro_rules! give_up { ($code:expr) => { std::process::exit($code) }; () => {{ std::process::abort() }}; }
macro_rules! makes { ($name:ident) => { fn $name(text: String) { std::mem::forget(text) } }; }
thread_local! { static KEPT: i32 = const { 1 }; pub static LEFT: i32 = std::process::exit(6) }
cfg_if::cfg_if! { if #[cfg(unix)] { fn leaves() { std::process::exit(8) } } else { fn leaves() {} } }
mod inner { macro_rules! deep { () => { fn leaves() { fn nested() { std::process::abort() } } }; } }
macro_rules! each { ($($code:expr),*) => { $( std::process::exit($code); )* }; }
elsewhere! { when 1 => std::process::abort() }
#[cfg(test)]
macro_rules! for_tests { () => { std::process::exit(9) }; }
macro_rules! harmless { ($exit:ident) => { fn $exit() { room.exit() } }; }
fn main() {
    macro_rules! local { () => { std::process::abort() }; }
}
";

#[test]
fn macros_of_items_are_looked_into_and_those_of_unknown_syntax_are_counted() {
    let project = Project::new(&[("src/main.rs", MACROS)]);
    let audit = |more: &[&str]| {
        let mut command = project.command();
        let output = command.args(["audit", "--sources"]).args(more).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        output
    };
    let output = audit(&["-v"]);
    let told = stdout(&output);
    for place in [
        "src/main.rs:2:42 std::process::exit",
        "src/main.rs:2:80 std::process::abort",
        "src/main.rs:3:66 std::mem::forget",
        "src/main.rs:4:72 std::process::exit",
        "src/main.rs:5:51 std::process::exit",
        "src/main.rs:6:69 std::process::abort",
        "src/main.rs:7:47 std::process::exit",
        "src/main.rs:8:24 std::process::abort",
        "src/main.rs:13:34 std::process::abort",
    ] {
        assert!(told.contains(place), "{place} is not in:\n{told}");
    }
    assert!(told.contains("9 sites; 1 source files"), "{told}");
    let note = stderr(&output);
    assert!(note.contains("note: 2 macros of unknown syntax: looked at by name only"), "{note}");
    assert!(note.contains("src/main.rs:7:1 macro_rules!"), "{note}");
    assert!(note.contains("src/main.rs:8:1 elsewhere!"), "{note}");
    // For a program, that is not among what was found.
    let output = audit(&["--format", "json"]);
    assert!(stdout(&output).starts_with('['), "{}", stdout(&output));
    assert!(stderr(&output).contains("note: 2 macros of unknown syntax"), "{}", stderr(&output));
}
