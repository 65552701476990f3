//! Verdicts on `#[scoped_spawn] async fn`: what backstop spawns itself is no violation, and what somebody else
//! detaches is one, also where a task of the scope does it.

mod support;

use serde_json::Value;
use support::{fixture, target, verdicts, verify};

const DETACHED: &[(&str, &[&str])] = &[
    ("detached::by_a_blocking_helper", &["violated"]),
    ("detached::by_a_helper", &["may", "violated"]),
    // Handed to the runtime by address.
    ("detached::in_a_task_of_its_scope", &["may", "violated"]),
    ("detached::in_blocking_work_of_its_scope", &["may", "violated"]),
];

fn report(arguments: &[&str]) -> (Value, i32) {
    verify(&fixture("tasks"), &target("served"), arguments)
}

fn check(profile: &[&str]) {
    let (found, status) = report(&[profile, &["--bin", "scoped"]].concat());
    let found = verdicts(&found, "scoped");
    assert_eq!(found.len(), 4, "{found:#?}");
    for (function, verdict) in &found {
        assert!(["proven", "conditional"].contains(&verdict.as_str()), "{function}: {verdict}");
    }
    assert_eq!(status, 0);
    let (found, status) = report(&[profile, &["--bin", "detached"]].concat());
    let found = verdicts(&found, "detached");
    assert_eq!(found.len(), DETACHED.len(), "{found:#?}");
    for (function, verdict) in &found {
        let (_, known) = DETACHED.iter().find(|(name, _)| name == function).expect("known");
        assert!(known.contains(&verdict.as_str()), "{function}: {verdict}");
    }
    assert_eq!(status, 1);
}

#[test]
fn a_scope_does_not_violate_what_it_is_for_in_debug() {
    check(&[]);
}

#[test]
fn a_scope_does_not_violate_what_it_is_for_in_release() {
    check(&["--release"]);
}
