//! `defer!` where no attribute handles it.

use scopeguard::ScopeGuard;

use crate::contain::contain;
use crate::flag::State;
use crate::report::Ended;
use crate::site::Site;

/// Runs a block on every way out of the block that it stands in, in any function.
///
/// The body runs contained: if it panics while the thread unwinds already, the panic is reported
/// to the observer and dropped, instead of aborting the process. Inside a function under
/// [`#[must_cleanup]`](macro@crate::must_cleanup) it may also name outcomes:
/// `defer!(on = failure, EXPR)`. What it captures is borrowed until the block ends; arguments are
/// read when the body runs, not when it is declared.
///
/// # Examples
///
/// ```
/// use backstop::defer;
/// use std::cell::Cell;
///
/// let steps = Cell::new(0);
/// {
///     defer! { steps.set(steps.get() * 10) }
///     steps.set(steps.get() + 1);
/// }
/// assert_eq!(steps.get(), 10);
/// ```
#[macro_export]
macro_rules! defer {
    // What `#[must_cleanup]` leaves in place of one that it rewrote, so that the import is used.
    () => {};
    (on = $($rest:tt)*) => { $crate::__defer_needs_attribute!("on"); };
    (name = $($rest:tt)*) => { $crate::__defer_needs_attribute!("name"); };
    (survives = $($rest:tt)*) => { $crate::__defer_needs_attribute!("survives"); };
    (timeout = $($rest:tt)*) => { $crate::__defer_needs_attribute!("timeout"); };
    ($($body:tt)*) => {
        #[cfg(panic = "abort")]
        let _: () = $crate::__private::cleanup_never_runs_on_a_panic;
        let _guard = $crate::__private::defer(
            &const { $crate::__private::Site::new("defer!") },
            || { $($body)* },
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __defer_needs_attribute {
    ($option:literal) => {
        ::core::compile_error!(::core::concat!(
            "`defer!` takes `",
            $option,
            "` only directly in a function under `#[must_cleanup]`\nhelp: add the attribute to the \
             function; out of a closure or an `async` block, move this into a function of its own"
        ));
    };
}

/// A body, and where it was declared.
type Deferred<F> = (F, &'static Site);

/// The guard of a `defer!` without an attribute around it.
///
/// What ends it is a function pointer for the sake of the optimiser, as in `guard::Owner`.
#[inline(always)]
pub fn defer<F: FnOnce()>(
    site: &'static Site,
    body: F,
) -> ScopeGuard<Deferred<F>, fn(Deferred<F>)> {
    scopeguard::guard((body, site), |(body, site)| {
        contain(site, State::AMBIENT, || {
            body();
            Ended::WELL
        });
    })
}
