//! The documents say what is so: outputs that they show, tests that they name.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use support::example;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_readme_shows_what_quickstart_prints() {
    let output = example("quickstart").output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let ways: Vec<&str> = printed.trim_end().split("\n\n").collect();
    let shown = format!("```text\n{}\n\n{}\n```", ways[1], ways[5]);
    assert!(read("README.md").contains(&shown), "the README does not show:\n{shown}");
}

#[test]
fn the_readme_knows_how_many_ways_to_end_there_are() {
    let guarantees = read("docs/guarantees.md");
    let (_, rows) = guarantees.split_once("\n## The rows\n").unwrap();
    let ways = rows.lines().filter(|line| line.starts_with("* **")).count();
    let sentence = format!("ends itself in {ways} ways");
    assert!(
        ways > 20 && read("README.md").contains(&sentence),
        "the README does not say {sentence}"
    );
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let promises = read("docs/promises.md");
    let rows = promises.lines().filter(|line| line.starts_with("| ") && line.contains("`: `"));
    let mut seen = 0;
    for row in rows {
        let (_, tests) = row.trim_end_matches(" |").rsplit_once(" | ").unwrap();
        for test in tests.split(", ") {
            let (path, name) = test.trim_matches('`').split_once("`: `").unwrap();
            let source = read(path);
            let lines: Vec<_> = source.lines().map(str::trim).collect();
            let function = format!("fn {name}()");
            let is_it = |pair: &[&str]| pair[0] == "#[test]" && pair[1].starts_with(&function);
            assert!(lines.windows(2).any(is_it), "no test {test}");
            seen += 1;
        }
    }
    assert!(seen > 20, "the table was not read");
}

#[test]
fn every_pitfall_names_tests_that_exist() {
    let pitfalls = read("docs/pitfalls.md");
    let names = pitfalls.split('`').filter_map(|text| text.split_once("::"));
    // Those of tasks and of the ladder stand in packages of their own, and so does the web service.
    let themes = ["cancel_", "cleanup_", "ladder/", "pitfalls_", "scope_", "tokio/", "web_service"];
    let mut seen = 0;
    for (module, name) in names.filter(|(module, _)| themes.iter().any(|it| module.starts_with(it)))
    {
        let path = match module.split_once('/') {
            Some((package, module)) => format!("tests/{package}/tests/{module}.rs"),
            None if module == "web_service" => format!("examples/web-service/tests/{module}.rs"),
            None if module == "pitfalls_process" => format!("tests/ladder/tests/{module}.rs"),
            None => format!("tests/tests/{module}.rs"),
        };
        let source = read(&path);
        assert!(source.contains(&format!("fn {name}()")), "no test {module}::{name}");
        seen += 1;
    }
    assert!(seen > 20, "the table was not read");
}
