//! Verdicts on `#[scoped_spawn] async fn`: what backstop spawns itself is no violation, and what somebody else
//! detaches is one, also where a task of the scope does it.

mod support;

use std::fs;

use serde_json::Value;
use support::{fixture, target, verdicts, verify};

const DETACHED: &[(&str, &[&str])] = &[
    ("detached::by_a_blocking_helper", &["violated"]),
    ("detached::by_a_helper", &["may", "violated"]),
    // Handed to the runtime by address.
    ("detached::in_a_task_of_its_scope", &["may", "violated"]),
    ("detached::in_blocking_work_of_its_scope", &["may", "violated"]),
    ("detached::while_it_blocks_in_place", &["violated"]),
];

/// Functions of `scoped` that need an assumption, and what they reach without it.
const NEEDED: &[(&str, &[&str], &[&str])] = &[
    (
        "scope_spawn",
        &["has_a_deadline", "spawns_blocking_work", "spawns_tasks"],
        &[
            "<tokio::runtime::handle::Handle>::spawn",
            "<tokio::runtime::handle::Handle>::spawn_blocking",
        ],
    ),
    (
        "own_threads",
        &["has_a_deadline", "spawns_blocking_work", "spawns_tasks"],
        &["<tokio::runtime::handle::Handle>::spawn", "<std::thread::builder::Builder>::spawn"],
    ),
    (
        "tokio_threads",
        &["blocks_in_place", "has_a_deadline", "spawns_blocking_work", "spawns_tasks"],
        &[
            "tokio::runtime::blocking::pool::spawn_blocking",
            "<std::thread::builder::Builder>::spawn",
        ],
    ),
    (
        "own_handler",
        &["cleans_up"],
        &[
            "backstop::ladder::exit::signals::on_signal",
            "backstop::ladder::exit::handlers::on_abort",
            "backstop::ladder::exit::signals::end_by",
        ],
    ),
    (
        "tokio_abort",
        &["cleans_up"],
        &[
            "<tokio::runtime::scheduler::multi_thread::worker::run::AbortOnPanic as core::ops::drop::Drop>::drop",
        ],
    ),
];

fn report(arguments: &[&str]) -> (Value, i32) {
    verify(&fixture("tasks"), &target("served"), arguments)
}

fn check(profile: &[&str]) {
    let (found, status) = report(&[profile, &["--bin", "scoped"]].concat());
    let found = verdicts(&found, "scoped");
    assert_eq!(found.len(), 5, "{found:#?}");
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

#[test]
fn each_assumption_about_tasks_is_needed() {
    let (found, _) = report(&["--bin", "scoped"]);
    let usual = verdicts(&found, "scoped");
    assert!(usual.iter().all(|(_, verdict)| verdict == "proven"), "{usual:#?}");
    let path = found["programs"][0]["path"].as_str().expect("a path");
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("backstop.toml");
    for (assumption, functions, sinks) in NEEDED {
        fs::write(&policy, format!("not-assumed = [\"{assumption}\"]\n")).expect("written");
        let policy = policy.to_str().expect("text");
        let arguments = ["--program", path, "--policy", policy];
        let (found, status) = verify(&fixture("tasks"), &target("served"), &arguments);
        assert_eq!(status, 1, "{assumption}");
        let found = found["programs"][0]["functions"].as_array().expect("functions");
        assert_eq!(found.len(), usual.len());
        for one in found {
            let (name, verdict) = (one["function"].as_str(), one["verdict"].as_str());
            let (name, verdict) = (name.expect("a name"), verdict.expect("a verdict"));
            let told = one["paths"].as_array().expect("paths").iter();
            let told: Vec<&str> = told.filter_map(|path| path["sink"].as_str()).collect();
            if functions.iter().any(|function| name == format!("scoped::{function}")) {
                assert!(["may", "violated"].contains(&verdict), "{assumption}: {name}: {verdict}");
                assert!(told.iter().all(|sink| sinks.contains(sink)), "{assumption}: {told:?}");
            } else {
                // A pointer may hold one of the others.
                assert!(["proven", "conditional"].contains(&verdict), "{assumption}: {name}");
            }
        }
    }
}
