//! What the examples share with their tests, and the documents whose code blocks run as doctests.
#![deny(unsafe_code)]

pub mod gzip;
#[cfg(unix)]
pub mod records;
#[cfg(target_os = "linux")]
pub mod survive;

/// The documents of the workspace: each code block in them compiles and runs.
///
/// Those of the attributes run here and not in `backstop-macros`, which cannot depend on the
/// runtime that its expansions name.
#[cfg(doctest)]
mod documents {
    macro_rules! documents {
        ($($name:ident: $path:literal,)*) => {
            $(#[doc = include_str!($path)] mod $name {})*
        };
    }
    documents! {
        readme: "../../README.md",
        runtime: "../../runtime/README.md",
        macros: "../../macros/README.md",
        must_cleanup: "../../macros/docs/must_cleanup.md",
        main: "../../macros/docs/main.md",
        no_exit: "../../macros/docs/no_exit.md",
        scoped_spawn: "../../macros/docs/scoped_spawn.md",
    }
}
