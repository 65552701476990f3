//! What the standard library does of its own accord to end the process: each function in which it
//! does, and no other.
//!
//! The names are those of the releases in [`RELEASES`], found by linking each library whole
//! (`--whole-archive`) and listing every call of a sink in it. What another release calls by another
//! name is a sink like any, so that nothing is proven by a name that is not known. Older releases
//! come with names of the older style: no angle brackets, `{{closure}}`, and `<impl ..>` left out.

/// The releases of which every name was looked at: what a program was compiled by has to be one of
/// them, or to have passed the [`canary`](crate::canary).
pub const RELEASES: &[&str] = &["1.85", "1.88", "1.90", "1.92", "1.93", "1.95"];

/// Functions that abort on an invariant of their own that is broken, without generics.
const OWN: &[&str] = &[
    // A destructor of a thread-local value panics, or cannot be registered.
    "<std::sys::thread_local::abort_on_dtor_unwind::DtorUnwindGuard as core::ops::drop::Drop>::drop",
    "<std::sys::thread_local::key::racy::LazyKey>::lazy_init",
    "std::sys::thread_local::key::racy::LazyKey::lazy_init",
    "std::sys::thread_local::destructors::list::register",
    // A thread: its result's destructor panics, it runs before it is known, it cannot be made.
    "<std::thread::Packet as core::ops::drop::Drop>::drop",
    "<std::thread::lifecycle::Packet as core::ops::drop::Drop>::drop",
    "<std::thread::PanicGuard as core::ops::drop::Drop>::drop",
    "<std::thread::functions::PanicGuard as core::ops::drop::Drop>::drop",
    "<std::thread::Builder>::spawn_unchecked_::{closure#1}",
    "<std::thread::lifecycle::ThreadInit>::init",
    "std::thread::lifecycle::ThreadInit::init",
    "std::thread::current::init_current",
    "<std::sys::thread::unix::Thread>::new",
    "std::sys::thread::unix::Thread::new",
    "std::sys::pal::unix::thread::Thread::new",
    // A message of a panic that was already taken.
    "<std::panicking::begin_panic::Payload as core::fmt::Display>::fmt",
    "<std::panicking::begin_panic::Payload as core::panic::PanicPayload>::get",
    "<std::panicking::begin_panic::Payload as core::panic::PanicPayload>::take_box",
    // Memory ran out; a file was closed by somebody else; the stack overflowed.
    "std::alloc::rust_oom",
    "std::alloc::rust_oom::{closure#0}",
    "std::alloc::rust_oom::{{closure}}",
    "std::sys::fs::unix::debug_assert_fd_is_open",
    "std::sys::pal::unix::fs::debug_assert_fd_is_open",
    "std::sys::pal::unix::stack_overflow::imp::signal_handler",
    "std::sys::pal::unix::stack_overflow::thread_info::with_current_info",
    // Before and after `main`.
    "std::rt::handle_rt_panic",
    "std::rt::init",
    "std::rt::lang_start_internal::{closure#0}::{closure#0}::{closure#1}",
    "std::rt::lang_start_internal::{{closure}}",
    "std::rt::lang_start_internal::{{closure}}::{{closure}}::{{closure}}",
    "std::sys::pal::unix::init::reset_sigpipe",
    "std::sys::pal::unix::init::sanitize_standard_fds",
    // No system call: where a call returns is taken for one that stands behind it.
    "std::sys::io::error::unix::errno",
    "std::sys::pal::unix::os::errno",
];

/// Functions that run in the forked child of a `Command`, or abort the parent of one, without
/// generics.
const CHILD: &[&str] = &[
    "<std::sys::process::unix::common::Command>::do_exec",
    "<std::sys::process::unix::common::Command>::send_pidfd",
    "<std::sys::process::unix::common::Command>::spawn",
    "std::sys::process::unix::unix::do_exec",
    "std::sys::process::unix::unix::send_pidfd",
    "std::sys::process::unix::unix::spawn",
    "std::sys::pal::unix::process::process_inner::do_exec",
    "std::sys::pal::unix::process::process_inner::send_pidfd",
    "std::sys::pal::unix::process::process_inner::spawn",
];

/// Whether a function, without generics, is one of the standard library's that calls a sink of its
/// own accord.
pub(crate) fn is_own(name: &str) -> bool {
    OWN.contains(&name)
}

/// Whether a function, without generics, is one that runs in the child of a `Command`.
pub(crate) fn is_of_child(name: &str) -> bool {
    CHILD.contains(&name)
}
