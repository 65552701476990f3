//! Verdicts on functions of which they are known, in every way that a program is built.

mod support;

use support::{fixture, target, verdicts, verify};

/// Reached by calls alone, whatever the optimiser does.
const VIOLATED: &[&str] = &[
    "<reaching::Methods as reaching::Step>::step",
    "<reaching::Methods>::inherent",
    "reaching::below_rust",
    "reaching::c_that_exits",
    "reaching::c_that_jumps",
    "reaching::c_that_leaves",
    "reaching::calls_a_helper",
    "reaching::calls_an_aborting_helper",
    "reaching::calls_an_inlined_helper",
    "reaching::closure",
    "reaching::detaches",
    "reaching::detaches_by_a_builder",
    "reaching::drop_glue",
    "reaching::drop_glue_of_a_vector",
    "reaching::exec",
    "reaching::generic",
    "reaching::impl_trait",
    "reaching::inline_system_call",
    "reaching::iterator_adapter",
    "reaching::passed_as_a_value",
    "reaching::recursion",
    "reaching::state_machine",
    "reaching::through_five_crates",
    "reaching::through_one_crate",
    "reaching::twin_one",
    "reaching::twin_two",
];

/// Reached through an address that the function takes; by calls where the optimiser sees through.
const MAY: &[&str] = &[
    "reaching::behind_catch_unwind",
    "reaching::boxed_closure",
    "reaching::c_that_calls_back",
    "reaching::c_with_a_table",
    "reaching::formatting",
    "reaching::function_table",
    "reaching::in_a_thread",
    "reaching::makes_a_trait_object",
];

/// Reached through a pointer that somebody else made.
const CONDITIONAL: &[&str] = &[
    "reaching::c_library_calls_back",
    "reaching::dynamic",
    "reaching::function_pointer",
    "reaching::hook_in_a_static",
];

/// Allowed by an `allow(..)` in the attribute.
const PROVEN: &[&str] = &["reaching::allowed_in_its_source"];

fn check(arguments: &[&str]) {
    let (report, status) = verify(&fixture("programs"), &target("programs"), arguments);
    assert_eq!(status, 1, "a violation is a failure");
    let reaching = verdicts(&report, "reaching");
    assert_eq!(
        reaching.len(),
        VIOLATED.len() + MAY.len() + CONDITIONAL.len() + PROVEN.len(),
        "{reaching:#?}"
    );
    for (function, verdict) in &reaching {
        let known: &[&str] = match function.as_str() {
            name if VIOLATED.contains(&name) => &["violated"],
            name if MAY.contains(&name) => &["may", "violated"],
            name if CONDITIONAL.contains(&name) => &["conditional", "may", "violated"],
            name if PROVEN.contains(&name) => &["proven"],
            name => panic!("{name} is in no list"),
        };
        assert!(known.contains(&verdict.as_str()), "{function}: {verdict} {arguments:?}");
    }
    let harmless = verdicts(&report, "harmless");
    assert_eq!(harmless.len(), 23, "{harmless:#?}");
    for (function, verdict) in &harmless {
        assert_eq!(verdict, "proven", "{function} {arguments:?}");
    }
    let not_linked = report["not_linked"].as_array().expect("a list");
    let names: Vec<&str> = not_linked.iter().filter_map(|one| one["function"].as_str()).collect();
    assert_eq!(names, ["reaching::never_called"]);
}

#[test]
fn what_reaches_a_sink_is_never_proven_in_debug() {
    check(&[]);
}

#[test]
fn what_reaches_a_sink_is_never_proven_in_release() {
    check(&["--release"]);
}

#[test]
fn what_reaches_a_sink_is_never_proven_with_fat_lto() {
    check(&["--profile", "fat"]);
}

#[test]
fn what_reaches_a_sink_is_never_proven_when_optimised_for_size() {
    check(&["--profile", "small"]);
}

#[test]
fn what_reaches_a_sink_is_never_proven_when_panics_abort() {
    check(&["--profile", "abort"]);
}

#[test]
fn what_the_profile_strips_is_kept_for_the_proof() {
    check(&["--profile", "stripped"]);
}

#[test]
fn each_violation_is_told_once_with_the_way_there() {
    let (report, _) =
        verify(&fixture("programs"), &target("programs"), &["--release", "--bin", "reaching"]);
    let functions = report["programs"][0]["functions"].as_array().expect("functions");
    let spawns =
        functions.iter().find(|one| one["function"] == "reaching::detaches").expect("the function");
    // Inlined, it is still a call of `spawn`, and one.
    assert_eq!(spawns["paths"].as_array().expect("paths").len(), 1);
    assert_eq!(spawns["paths"][0]["sink"], "std::thread::functions::spawn");
    let far = functions
        .iter()
        .find(|one| one["function"] == "reaching::through_five_crates")
        .expect("the function");
    assert_eq!(far["paths"].as_array().expect("paths").len(), 1);
    let path = &far["paths"][0];
    assert_eq!(path["rule"], "process_exit");
    let steps = path["steps"].as_array().expect("steps");
    let to: Vec<&str> = steps.iter().filter_map(|step| step["to"].as_str()).collect();
    assert_eq!(
        to,
        ["deep1::go", "deep2::go", "deep3::go", "deep4::go", "deep5::go", "std::process::exit"]
    );
    let last = &steps[5]["frames"][0];
    assert!(
        last["file"].as_str().is_some_and(|file| file.ends_with("deep/5/src/lib.rs")),
        "{last}"
    );
    assert_eq!(last["line"], 3);
}
