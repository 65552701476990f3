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

        /// Commits nothing.
        pub fn commit(self) {}
    }
}
#[cfg(not(all(feature = "process", unix)))]
pub use missing::{announce_exit, survive};
