//! Warnings that expansions raise: rustc's own, through a deprecated constant whose use has the
//! span of the token in question.
#![allow(non_upper_case_globals, reason = "the names are read as prose in the warning")]

/// An `allow` without anything to allow.
#[deprecated(note = "nothing here needs this allow: remove it, or move it to what it is meant for")]
pub const unused_allow: () = ();

/// A cleanup that has to run on a panic where panics abort.
#[cfg_attr(
    not(feature = "allow-panic-abort"),
    deprecated(
        note = "this profile has `panic = \"abort\"`, so on a panic the process ends without this \
                cleanup: build with `panic = \"unwind\"`, write \
                `#[must_cleanup(allow(panic_abort, reason = \"..\"))]`, or enable the feature \
                `allow-panic-abort` of `backstop` for the whole program"
    )
)]
pub const cleanup_never_runs_on_a_panic: () = ();
