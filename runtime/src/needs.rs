//! What an expansion needs of a feature or a platform, told at the user's token where it is missing.

/// What needs the feature `process`, in place of an expression or a path of one: with the feature,
/// the tokens behind the arrow.
#[cfg(all(feature = "process", unix))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_process {
    ($what:expr => $($tokens:tt)*) => { $($tokens)* };
}

/// Without it, an error that says so.
#[cfg(not(all(feature = "process", unix)))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_process {
    ($what:expr => $($tokens:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`",
            $what,
            "` needs the feature `process` of `backstop`\nhelp: add it in `Cargo.toml`: `backstop = \
             { version = \"..\", features = [\"process\"] }`"
        ))
    };
}

/// What a rung needs.
#[doc(hidden)]
#[macro_export]
macro_rules! __needs {
    (async_cleanup) => {
        $crate::__needs_tokio!("an `async` cleanup")
    };
    (tasks) => {
        $crate::__needs_tokio!("`#[scoped_spawn] async fn`")
    };
    (async_main) => {
        $crate::__needs_tokio!("`#[backstop::main] async fn`")
    };
    (exit) => {
        $crate::__needs_process!("survives = exit" =>)
    };
    ($rung:ident) => {
        $crate::__needs_process!(
            ::core::concat!("survives = ", ::core::stringify!($rung)) =>
            $crate::__needs_linux!($rung)
        )
    };
}

#[cfg(target_os = "linux")]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_linux {
    ($rung:ident) => {};
}

#[cfg(not(target_os = "linux"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_linux {
    ($rung:ident) => {
        ::core::compile_error!(::core::concat!(
            "`survives = ",
            ::core::stringify!($rung),
            "` works on Linux only\nhelp: write `survives = exit` on this system"
        ))
    };
}

/// What an option of `#[backstop::main]` needs.
#[cfg(not(all(feature = "process", unix, not(target_os = "linux"))))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_linux_in_main {
    ($option:ident) => {};
}

/// What it lacks where the rest of the attribute is there.
#[cfg(all(feature = "process", unix, not(target_os = "linux")))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_linux_in_main {
    ($option:ident) => {
        ::core::compile_error!(::core::concat!(
            "`#[backstop::main(",
            ::core::stringify!($option),
            ")]` works on Linux only\nhelp: leave `",
            ::core::stringify!($option),
            "` out on this system"
        ))
    };
}

/// Expands to nothing where there is a runtime for what nobody awaits.
#[cfg(feature = "tokio")]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_tokio {
    ($what:expr) => {};
}

/// Expands to the error that names the feature.
#[cfg(not(feature = "tokio"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_tokio {
    ($what:expr) => {
        ::core::compile_error!(::core::concat!(
            $what,
            " needs the feature `tokio` of `backstop`\nhelp: add it in `Cargo.toml`: `backstop = { \
             version = \"..\", features = [\"tokio\"] }`"
        ));
    };
}

/// What `#[backstop::main] async fn main` would be to the type checker, beside that error.
#[cfg(all(feature = "process", not(feature = "tokio"), unix))]
#[must_use]
pub fn main_async<F: std::future::Future<Output: std::process::Termination>>(
    _: u64,
    _: bool,
    _: Option<&'static str>,
    _: Option<usize>,
    _: impl FnOnce() -> F,
) -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}

/// What a registration would be to the type checker, beside the error that says what is missing.
#[cfg(not(all(feature = "process", unix)))]
#[allow(
    clippy::must_use_candidate,
    clippy::unused_self,
    reason = "of the shape of what is missing"
)]
mod missing {
    use crate::report::Ended;
    use crate::site::Site;

    /// A cleanup that was not registered.
    #[derive(Debug)]
    pub struct Missing;

    /// Announces nothing.
    pub fn announce_exit() -> Missing {
        Missing
    }

    /// Registers nothing.
    pub fn survive<C>(_: Missing, _: &'static Site, _exists: bool, _: C) -> Missing {
        Missing
    }

    impl Missing {
        /// Runs nothing.
        pub fn run<T>(self, _: T) -> Ended {
            Ended::WELL
        }

        /// Makes nothing.
        pub fn making(&self) -> Self {
            Self
        }

        /// Itself.
        pub fn created<F>(&self, _: F) -> Self {
            Self
        }

        /// Itself.
        pub fn making_async(&self) -> Self {
            Self
        }

        /// Commits nothing.
        pub fn commit(self) {}
    }
}
#[cfg(not(all(feature = "process", unix)))]
pub use missing::{announce_exit, survive};

/// What a deadline would be to the type checker, beside the error that says what is missing.
#[cfg(not(feature = "tokio"))]
pub fn by_deadline<R>() {}

/// And the scope.
#[cfg(not(feature = "tokio"))]
#[allow(clippy::unused_self, reason = "stands in for what is missing")]
mod missing_tasks {
    use std::fmt::Display;
    use std::future::{Future, Pending, pending};

    use crate::scope::Options;

    /// A scope that spawns nothing.
    #[derive(Clone, Debug)]
    pub struct TaskScope;

    /// The result of a child that there is none of.
    type Never<T> = Pending<Result<T, Box<dyn Display>>>;

    /// A builder that spawns nothing.
    #[derive(Debug)]
    pub struct TaskBuilder;

    impl TaskBuilder {
        /// Itself.
        pub fn name(self, _: &str) -> Self {
            self
        }

        /// Spawns nothing.
        #[allow(clippy::unnecessary_wraps, reason = "of the shape of what is missing")]
        pub fn spawn<F: Future>(self, _: F) -> std::io::Result<Never<F::Output>> {
            Ok(pending())
        }
    }

    impl TaskScope {
        /// A builder.
        pub fn builder(&self) -> TaskBuilder {
            TaskBuilder
        }

        /// Spawns nothing.
        pub fn spawn<F: Future>(&self, _: F) -> Never<F::Output> {
            pending()
        }

        /// Runs nothing.
        pub fn spawn_blocking<T>(&self, _: impl FnOnce() -> T) -> Never<T> {
            pending()
        }
    }

    /// A scope on one task that spawns nothing.
    #[derive(Clone, Debug)]
    pub struct LocalScope;

    impl LocalScope {
        /// Spawns nothing.
        pub fn spawn<F: Future>(&self, _: F) -> Never<F::Output> {
            pending()
        }

        /// Runs nothing.
        pub fn run<B: Future>(&self, _: B) -> Pending<B::Output> {
            pending()
        }

        /// Runs nothing.
        pub fn run_until_deadline<B: Future>(&self, (): (), _: B) -> Pending<B::Output> {
            pending()
        }
    }

    impl Options {
        /// A scope that runs nothing.
        #[doc(hidden)]
        #[must_use]
        pub fn local(self) -> LocalScope {
            LocalScope
        }

        /// A scope that runs nothing.
        #[doc(hidden)]
        #[must_use]
        pub fn local_any(self) -> LocalScope {
            LocalScope
        }

        /// Runs nothing.
        #[doc(hidden)]
        pub fn tokio<F: FnOnce(TaskScope) -> B, B: Future>(self, _: F) -> Pending<B::Output> {
            pending()
        }

        /// Runs nothing.
        #[doc(hidden)]
        pub fn tokio_until_deadline<F: FnOnce(TaskScope) -> B, B: Future>(
            self,
            (): (),
            _: F,
        ) -> Pending<B::Output> {
            pending()
        }
    }
}
