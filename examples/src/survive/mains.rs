//! The `main` that each kind of cleanup needs.

use std::process::ExitCode;

/// Each calls the same body; they differ in their attribute.
macro_rules! mains {
    ($($name:ident: $($attribute:meta)?;)*) => {$(
        pub(super) mod $name {
            use super::ExitCode;

            $(#[$attribute])?
            pub(in crate::survive) fn main() -> ExitCode {
                crate::survive::child::play()
            }
        }
    )*};
}

mains! {
    bare:;
    exit: backstop::main(grace = "200ms");
    exit_patient: backstop::main(grace = "10m");
}
