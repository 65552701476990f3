//! What the guarded functions work with: calls that the optimiser sees nothing of.
//!
//! Each takes `way`, a constant of its caller. Without it two ways of writing an operation that
//! compile to the same code would be merged into one function, and could not be told apart.

use std::hint::black_box;

/// A resource that fits into a register.
#[derive(Debug)]
pub(crate) struct Session(pub(crate) u64);

/// A resource that a move copies with a loop or a call of `memcpy`.
#[derive(Debug)]
pub(crate) struct Wide(pub(crate) [u64; 32]);

/// Why a step failed.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) u32);

/// What the operations make of it: `?` converts.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Failure);

impl From<Failure> for Refused {
    #[inline]
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// Makes its caller's caller unable to rule out a panic.
#[inline]
fn may_panic() {
    assert!(!black_box(false), "never");
}

#[inline(never)]
pub(crate) fn open(seed: u64, way: u32) -> Session {
    may_panic();
    Session(black_box(seed ^ u64::from(way)))
}

/// Uses the resource by value: its address stays unknown to others.
#[inline(never)]
pub(crate) fn look(session: u64, way: u32) -> u64 {
    may_panic();
    black_box(session ^ u64::from(way))
}

/// Uses the resource by reference, and could keep its address.
#[inline(never)]
pub(crate) fn work(session: &mut Session, way: u32) -> u64 {
    may_panic();
    black_box(&mut *session);
    session.0 ^ u64::from(way)
}

/// Uses the resource by reference, and fails for the seed 0.
#[inline(never)]
pub(crate) fn step(session: &mut Session, seed: u64, way: u32) -> Result<u32, Failure> {
    may_panic();
    black_box(&mut *session);
    if black_box(seed) == 0 { Err(Failure(way)) } else { Ok(way) }
}

/// Fails for the seed 0, and sees nothing of the resource.
#[inline(never)]
pub(crate) fn check(seed: u64, way: u32) -> Result<u32, Failure> {
    may_panic();
    if black_box(seed) == 0 { Err(Failure(way)) } else { Ok(way) }
}

/// Decides what its caller returns.
#[inline(never)]
pub(crate) fn finish(session: &mut Session, seed: u64, way: u32) -> Result<u64, Refused> {
    may_panic();
    black_box(&mut *session);
    if black_box(seed) == 0 { Err(Refused(Failure(way))) } else { Ok(session.0) }
}

#[inline(never)]
pub(crate) fn close(Session(number): Session, way: u32) {
    may_panic();
    black_box(number ^ u64::from(way));
}

#[inline(never)]
pub(crate) fn close_by_reference(session: &mut Session, way: u32) {
    may_panic();
    black_box(session.0 ^ u64::from(way));
    black_box(session);
}

/// A cleanup that may fail, and does not.
#[inline(never)]
pub(crate) fn flush(Session(number): Session, way: u32) -> Result<(), String> {
    may_panic();
    black_box(number ^ u64::from(way));
    if black_box(false) { Err(String::from("full")) } else { Ok(()) }
}

#[inline(never)]
pub(crate) fn open_wide(seed: u64, way: u32) -> Wide {
    may_panic();
    black_box(Wide([seed ^ u64::from(way); 32]))
}

#[inline(never)]
pub(crate) fn work_wide(wide: &mut Wide, way: u32) -> u64 {
    may_panic();
    black_box(&mut *wide);
    wide.0[7] ^ u64::from(way)
}

#[inline(never)]
pub(crate) fn close_wide(wide: &mut Wide, way: u32) {
    may_panic();
    black_box(wide.0[7] ^ u64::from(way));
    black_box(wide);
}

/// A text without a heap allocation, but with a destructor as far as the compiler knows.
#[inline(never)]
pub(crate) fn open_text(way: u32) -> String {
    may_panic();
    black_box(way);
    black_box(String::new())
}

#[inline(never)]
pub(crate) fn close_text(text: &str, way: u32) {
    may_panic();
    black_box(text.len() ^ way as usize);
}

/// A resource without a value of its own.
#[inline(never)]
pub(crate) fn announce(seed: u64, way: u32) -> Result<(), Failure> {
    may_panic();
    if black_box(seed) == 0 { Err(Failure(way)) } else { Ok(()) }
}

#[inline(never)]
pub(crate) fn withdraw(way: u32) {
    may_panic();
    black_box(way);
}
