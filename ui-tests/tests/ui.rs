//! Runs the programs of `fail/` and `pass/`, a folder a test.

use std::fs;
use std::path::Path;

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

/// Mistakes that have nothing to do with backstop: rustc says of them what it says without.
mod ordinary {
    use std::path::Path;
    use std::{env, fs, process};

    #[test]
    fn refused() {
        trybuild::TestCases::new().compile_fail("fail/ordinary/*.rs");
    }

    /// The same programs with their attributes gone must fail with the same words.
    #[test]
    fn refused_in_the_same_words_without_attributes() {
        // Outside of the workspace, whose paths trybuild shortens.
        let copies = env::temp_dir().join(format!("backstop-ui-tests-{}", process::id()));
        super::without_attributes(Path::new("fail/ordinary"), &copies);
        let cases = trybuild::TestCases::new();
        cases.compile_fail(copies.join("*.rs"));
        drop(cases);
        fs::remove_dir_all(copies).unwrap();
    }
}

/// Copies a folder of programs and what is said of them, without the attributes in either.
fn without_attributes(folder: &Path, copies: &Path) {
    fs::create_dir_all(copies).unwrap();
    let (mut programs, mut annotated) = (0, 0);
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let plain: String = text.lines().map(|line| without_attribute(line) + "\n").collect();
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            programs += 1;
            annotated += usize::from(plain != text);
        }
        let plain = plain.replace(folder.to_str().unwrap(), copies.to_str().unwrap());
        fs::write(copies.join(entry.file_name()), plain).unwrap();
    }
    assert!(programs > 0 && annotated == programs, "{annotated} of {programs} are annotated");
}

/// A line of a program or of what is said of it, which may show one.
fn without_attribute(line: &str) -> String {
    let attributes = ["#[backstop::", "#[cleanup("];
    let start = attributes.iter().filter_map(|attribute| line.find(attribute)).min();
    start.map_or(line, |start| line[..start].trim_end()).to_owned()
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
