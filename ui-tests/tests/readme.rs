//! The README shows a mistake and what the compiler says of it: this is that mistake, compiled.

use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_mistake_is_refused_in_these_words() {
    trybuild::TestCases::new().compile_fail("readme/publish.rs");
}

#[test]
fn the_readme_shows_the_mistake_and_the_compilers_words() {
    let readme = read("../README.md");
    let source = read("readme/publish.rs");
    let (shown, _helpers) = source.split_once("\nfn scratch_dir").unwrap();
    assert!(readme.contains(&format!("\n{shown}")), "the README shows another function");
    let words = read("readme/publish.stderr");
    assert!(
        readme.contains(&format!("```text\n{words}```")),
        "the README shows other words than readme/publish.stderr"
    );
}
