//! `backstop::exit`: the end of the process, by unwinding.

use std::any::Any;
use std::panic::resume_unwind;
use std::{process, thread};

use super::main::{Program, is_after_main};
use super::status;
use crate::CancelCause;

/// Ends the process with this exit code, after every destructor of the calling thread has run.
///
/// Needs the feature `process`.
///
/// Under [`#[backstop::main]`](crate::main), from whatever thread:
///
/// 1. The code is set. The first call wins: the process ends with that code, whatever `main` returns,
///    and whatever a [`catch_unwind`](std::panic::catch_unwind) in between makes of it.
/// 2. The root token is cancelled, with the cause
///    [`Shutdown { immediate: false }`](crate::CancelCause::Shutdown), and the grace period begins.
/// 3. The calling thread unwinds, silently: the panic hook does not run. On the main thread that
///    leads to the end of `main`. A child of a [scope](mod@crate::scope) brings it to the scope's
///    owner. On any other thread, `main` is told through [`cancel_token`](crate::cancel_token).
///
/// If `main` does not end within the grace period, the end is forced: exit cleanups run, and the
/// process ends with the code, or, if a signal came meanwhile, by that signal.
///
/// Where unwinding would abort, the thread blocks instead until the process ends: while it is
/// panicking already (in a destructor or a cleanup of that unwind), with `panic = "abort"`, and on
/// the main thread after `main`. As with any unwind, it aborts in what must not unwind: an
/// `extern "C"` function, and the destructor of a thread-local value of another thread.
///
/// # The code
///
/// Unix tells a parent the low eight bits. A code other than 0 of which these are zero becomes 255, so
/// that a failure never reads as a success. Nor does a panic that reaches `main`: with the code 0, the
/// process then ends with 101.
///
/// # Without `#[backstop::main]`
///
/// The thread unwinds, and the process exits with the code where the unwind ends: at the bottom of the
/// main thread or of a detached one, or where somebody drops what they caught or
/// [joined](std::thread::JoinHandle::join). Where unwinding would abort, it exits at once. Other
/// threads are not told.
///
/// In a forked child of a program under `#[backstop::main]`, it unwinds, too, and where that would
/// abort, it exits at once, running nothing of the parent's.
///
/// # Examples
///
/// ```
/// struct Scratch;
///
/// impl Drop for Scratch {
///     fn drop(&mut self) {
///         println!("removed"); // `std::process::exit` would skip this
///     }
/// }
///
/// #[backstop::main]
/// fn main() {
///     let _scratch = Scratch;
///     # if false {
///     backstop::exit(2);
///     # }
/// }
/// ```
pub fn exit(code: i32) -> ! {
    let status = status::of(code);
    let Some(program) = Program::get() else { exit_alone(status) };
    status::request(status);
    // A forked child has no other threads to tell, and perhaps locks that one of them held.
    if program.is_ours() {
        // Before the token: who waits for that is woken by code of an executor, which may block.
        program.waker.wake();
        program.root.cancel_with(CancelCause::Shutdown { immediate: false });
    }
    if may_unwind() {
        resume_unwind(Box::new(Exit { alone: None }));
    }
    if !program.is_ours() {
        status::end(status);
    }
    loop {
        thread::park();
    }
}

/// Without anybody at the bottom of the stack who knows what to do.
fn exit_alone(status: u8) -> ! {
    if may_unwind() {
        resume_unwind(Box::new(Exit { alone: Some(status) }));
    }
    process::exit(status.into())
}

fn may_unwind() -> bool {
    cfg!(panic = "unwind") && !thread::panicking() && !is_after_main()
}

/// What `exit` unwinds with.
struct Exit {
    /// The status for the process to exit with where this is dropped.
    alone: Option<u8>,
}

impl Drop for Exit {
    fn drop(&mut self) {
        if let Some(status) = self.alone {
            process::exit(status.into());
        }
    }
}

/// Whether a payload is that of `exit`: it is no panic to be told of.
pub(crate) fn is_exit(payload: &(dyn Any + Send)) -> bool {
    payload.is::<Exit>()
}
