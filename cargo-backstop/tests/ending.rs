//! Verdicts in programs under `#[backstop::main]`: how backstop ends them is no violation and no poison, and what
//! their own code does behind that is one.

mod support;

use std::fs;

use serde_json::Value;
use support::{MARKED, Project, fixture, stdout, target, verdicts, verify};

fn report(arguments: &[&str]) -> (Value, i32) {
    verify(&fixture("tasks"), &target("served"), arguments)
}

/// The functions of the first program.
fn functions(report: &Value) -> &[Value] {
    report["programs"][0]["functions"].as_array().expect("functions")
}

/// A text of each element of a list.
fn texts<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array().expect("a list").iter().filter_map(|one| one[name].as_str()).collect()
}

fn check_strictly(profile: &[&str]) {
    let (found, status) = report(&[profile, &["--strict", "--bin", "ended"]].concat());
    let found = verdicts(&found, "ended");
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found.iter().all(|(_, verdict)| verdict == "proven"), "{found:#?}");
    assert_eq!(status, 0);
}

#[test]
fn nothing_of_backstops_own_fails_a_strict_run_in_debug() {
    check_strictly(&[]);
}

#[test]
fn nothing_of_backstops_own_fails_a_strict_run_in_release() {
    check_strictly(&["--release"]);
}

#[test]
fn what_the_programs_own_code_ends_behind_it_is_found() {
    let (found, status) = report(&["--release", "--bin", "ends"]);
    assert_eq!(status, 1);
    let found = functions(&found);
    assert_eq!(found.len(), 3, "{found:#?}");
    for one in found {
        let sinks = texts(&one["paths"], "sink");
        match one["function"].as_str().expect("a name") {
            // Whoever waits for the token is woken by `backstop::exit`.
            "ends::asks_to_end" => {
                assert_eq!(one["verdict"], "conditional");
                let poisons = texts(&one["poisons"], "function");
                assert!(poisons.iter().all(|name| name.contains("ends::Ends")), "{poisons:?}");
                assert!(!poisons.is_empty());
            }
            "ends::ends_as_a_signal_would" => {
                assert_eq!(one["verdict"], "violated");
                let name = "signal_hook::low_level::signal_details::emulate_default_handler";
                assert_eq!(sinks, [name]);
            }
            "ends::ends_as_signal_hook_would" => {
                assert_eq!(one["verdict"], "violated");
                assert_eq!(sinks, ["signal_hook::low_level::exit"]);
            }
            name => panic!("{name} is not known"),
        }
    }
}

/// A function, and what it reaches or has as its poison.
type Needs = (&'static str, &'static [&'static str]);

/// Assumptions that `ended` needs, with what is told of functions that need them without.
const NEEDED: &[(&str, &[Needs])] = &[
    (
        "own_exit",
        &[
            ("asks_to_end", &["std::process::exit", "backstop::ladder::shutdown::status::end"]),
            ("drops_what_it_caught", &["backstop::ladder::shutdown::exit::Exit"]),
        ],
    ),
    ("own_handler", &[("prints", &["Starting>::new::{closure#0}", "spare_forked_children"])]),
    ("signal_hook_abort", &[("prints", &["signal_hook_registry::handler"])]),
    ("refcount_abort", &[("prints", &["Starting>::new::{closure#0}"])]),
];

#[test]
fn each_assumption_about_the_end_of_a_program_is_needed() {
    let (found, _) = report(&["--release", "--bin", "ended"]);
    let path = found["programs"][0]["path"].as_str().expect("a path");
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("backstop.toml");
    for (assumption, needs) in NEEDED {
        fs::write(&policy, format!("not-assumed = [\"{assumption}\"]\n")).expect("written");
        let policy = policy.to_str().expect("text");
        let arguments = ["--strict", "--program", path, "--policy", policy];
        let (found, status) = verify(&fixture("tasks"), &target("served"), &arguments);
        assert_eq!(status, 1, "{assumption}");
        for (function, names) in *needs {
            let name = format!("ended::{function}");
            let mut found = functions(&found).iter();
            let found = found.find(|one| one["function"] == name.as_str()).expect("the function");
            let told = match found["verdict"].as_str() {
                Some("violated") => texts(&found["paths"], "sink"),
                _ => texts(&found["poisons"], "function"),
            };
            for name in *names {
                let is_told = told.iter().any(|told| told.contains(name));
                assert!(is_told, "{assumption}: {function}: {name} is not in {told:#?}");
            }
        }
    }
}

/// Where a panic aborts, `backstop::exit` ends the process at once: it has the name of that function, and its shape.
#[test]
fn an_exit_that_cannot_unwind_is_a_violation() {
    let calls =
        MARKED.replace("std::process::exit(code)", "ladder::shutdown::exit::exit_alone(code)");
    let alone = "pub mod ladder { pub mod shutdown { pub mod exit {\n#[inline(never)]\npub fn exit_alone(code: i32) { \
                 std::process::exit(code) }\n} } }\nfn main() { root(std::hint::black_box(1)) }\n";
    let project = Project::new(&[("src/main.rs", &format!("{calls}{alone}"))]);
    let manifest = "[package]\nname = \"backstop\"\nedition = \"2024\"\n[workspace]\n[profile.abort]\ninherits = \
                    \"release\"\npanic = \"abort\"\n";
    project.write("Cargo.toml", manifest);
    let output = project.verify(&["--release"]);
    assert!(stdout(&output).contains("1 proven"), "{}", stdout(&output));
    assert!(stdout(&output).contains("assumed, own_exit"), "{}", stdout(&output));
    assert!(!stdout(&output).contains("a panic aborts"), "{}", stdout(&output));
    let output = project.verify(&["--profile", "abort"]);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    assert!(stdout(&output).contains("reaches `std::process::exit`"), "{}", stdout(&output));
    assert!(stdout(&output).contains("note: a panic aborts backstop (bin)"), "{}", stdout(&output));
}
