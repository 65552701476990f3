//! The near ones are suggested; where none is near, all are listed.

use backstop::{must_cleanup, no_exit};

#[no_exit(allow(proces_exit, reason = "a letter is missing"))]
fn misspelled() {}

#[no_exit(allow(exit, reason = "half a name"))]
fn half() {}

#[must_cleanup(allow(forget, reason = "half a name"))]
fn other_half() {}

#[no_exit(allow(processExit, reason = "another case"))]
fn another_case() {}

#[no_exit(allow(clippy, reason = "nothing like it"))]
fn nothing_like_it() {}

#[must_cleanup(allow(panic_abrt, reason = "a warning, misspelled"))]
fn warning() {}

#[must_cleanup]
fn on_a_statement() {
    #[allow_skip(mem_forgot, reason = "misspelled")]
    println!("x");
}

#[no_exit(allow(proces_exit, mem_forgt, reason = "both are shown"))]
fn two() {}

fn main() {
    misspelled();
    half();
    other_half();
    another_case();
    nothing_like_it();
    warning();
    on_a_statement();
    two();
}
