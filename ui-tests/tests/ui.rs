//! Runs the programs of `fail/` and `pass/`, a folder a test.

/// Two tests for each folder: trybuild checks programs that must fail all at once, but only where
/// none of the same batch must pass.
macro_rules! folders {
    ($($folder:ident)*) => {$(
        mod $folder {
            #[test]
            fn refused() {
                let folder = concat!("fail/", stringify!($folder), "/*.rs");
                trybuild::TestCases::new().compile_fail(folder);
            }

            #[test]
            fn accepted() {
                let folder = concat!("pass/", stringify!($folder), "/*.rs");
                trybuild::TestCases::new().pass(folder);
            }
        }
    )*};
}

folders! {
    general main no_exit must_cleanup async_cleanup scoped_spawn survives allow_skip rules
}

/// Programs of `open/`: defects that are known and not mended yet. Whoever mends one moves its
/// program to `fail/` or `pass/`.
mod open {
    #[test]
    #[ignore = "these compile although they must not"]
    fn refused() {
        trybuild::TestCases::new().compile_fail("open/fail/*.rs");
    }

    #[test]
    #[ignore = "these fail although they must not"]
    fn accepted() {
        trybuild::TestCases::new().pass("open/pass/*.rs");
    }
}
