//! What `cargo backstop verify` advises, followed to the letter: it is enough, and nothing warns of it.

mod support;

use std::fs;

use support::{MARKED, Project, backstop, fixture, stderr, stdout, target};

/// The entries of a policy that messages tell to write, each once.
fn advised(told: &str) -> String {
    let mut lines = told.lines();
    let mut entries = String::new();
    while let Some(line) = lines.next() {
        if line.contains("where this call is in order, say why in") {
            let entry: Vec<&str> = lines.by_ref().take(3).map(str::trim).collect();
            let entry = format!("{}\n", entry.join("\n"));
            if !entries.contains(&entry) {
                entries += &entry;
            }
        }
    }
    assert!(!entries.is_empty(), "no advice in:\n{told}");
    entries
}

/// The marked function reaches a sink by itself, by a helper, and by an address that it takes.
fn program() -> String {
    let calls = "match code {
        9001 => std::process::exit(code),
        9002 => give_up(code),
        9003 => drop(std::hint::black_box(aborts as fn())),
        _ => {}
    }";
    let helpers = "#[inline(never)]
fn give_up(code: i32) { if std::hint::black_box(code) > 9003 { std::process::exit(code) } }
#[inline(never)]
fn aborts() { std::process::abort() }
fn main() { root(std::hint::black_box(1)) }
";
    MARKED.replace("std::process::exit(code);", calls) + helpers
}

fn check(policy: &str, head: &str) {
    let project = Project::new(&[("src/main.rs", &program())]);
    let before = fs::read_to_string(project.folder().join(policy)).unwrap_or_default();
    let mut written = before + head;
    project.write(policy, &written);
    // Two calls of one sink are told one after the other, and an address that is taken after all calls.
    for _ in 0..3 {
        let output = project.verify(&["--release"]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        let told = stdout(&output);
        assert!(told.contains(&format!("say why in `{policy}`")), "{told}");
        // The attribute has seen nothing to allow.
        assert!(!told.contains("allow("), "{told}");
        written += &advised(&told);
        project.write(policy, &written);
    }
    let output = project.verify(&["--release", "--strict"]);
    let told = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{written}\n{told}");
    assert!(told.contains("1 annotated function in 1 program: 1 proven"), "{told}");
    assert!(
        told.contains("not the call of `std::process::exit` in `sample::give_up` (..)"),
        "{told}"
    );
    assert!(!told.contains("warning"), "{told}");
}

#[test]
fn what_is_advised_is_enough_and_nothing_warns_of_it() {
    check("backstop.toml", "");
}

#[test]
fn a_policy_in_the_manifest_is_advised_in_its_own_words() {
    check("Cargo.toml", "[workspace.metadata.backstop]\nnot-assumed = []\n");
}

#[test]
fn an_exit_behind_a_call_of_a_function_with_the_attribute_is_allowed_as_advised() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, "").expect("written");
    let verify = || {
        let mut command = backstop(&fixture("tasks"), &target("served"));
        command.args(["verify", "--release", "--bin", "ends", "--policy"]).arg(&policy);
        command.output().expect("it runs")
    };
    let output = verify();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    fs::write(&policy, advised(&stdout(&output))).expect("written");
    let output = verify();
    let told = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(
        told.contains("1 proven, 2 conditional") && !told.contains("warning[unused-assume]"),
        "{told}"
    );
    assert!(!told.contains("nothing here needs"), "{told}");
}
