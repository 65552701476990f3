//! What an expansion says where a feature of this crate is missing.

/// What needs the feature `process`, in place of an expression or a path of one: with the feature,
/// the tokens behind the arrow.
#[cfg(feature = "process")]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_process {
    ($what:literal => $($tokens:tt)*) => { $($tokens)* };
}

/// Without it, an error that says so.
#[cfg(not(feature = "process"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __needs_process {
    ($what:literal => $($tokens:tt)*) => {
        ::core::compile_error!(::core::concat!(
            $what,
            " needs the feature `process` of `backstop`\n\
             help: write `backstop = { version = \"0.1\", features = [\"process\"] }` in `Cargo.toml`"
        ))
    };
}
