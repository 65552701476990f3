//! Verdicts on `async` functions, which a release build merges into the executor: on tokio, and in
//! an axum server.

mod support;

use support::{fixture, target, verdicts, verify};

const REACHING: &[(&str, &[&str])] = &[
    ("bad::after_a_wait", &["violated"]),
    ("bad::at_once", &["violated"]),
    // Handed to the runtime by address.
    ("bad::in_a_task", &["may", "violated"]),
    ("bad::in_another_future", &["violated"]),
    ("bad::when_it_is_dropped", &["violated"]),
];

fn check_reaching(arguments: &[&str]) {
    let arguments = [arguments, &["--bin", "bad"]].concat();
    let (report, status) = verify(&fixture("served"), &target("served"), &arguments);
    assert_eq!(status, 1);
    let found = verdicts(&report, "bad");
    assert_eq!(found.len(), REACHING.len(), "{found:#?}");
    for (function, verdict) in &found {
        let (_, known) = REACHING.iter().find(|(name, _)| name == function).expect("known");
        assert!(known.contains(&verdict.as_str()), "{function}: {verdict}");
    }
}

#[test]
fn an_async_function_that_reaches_a_sink_is_never_proven() {
    check_reaching(&[]);
    check_reaching(&["--release"]);
}

#[test]
fn a_server_with_fifteen_harmless_functions_is_proven_in_release() {
    let (report, status) = verify(
        &fixture("served"),
        &target("served"),
        &["--release", "--strict", "--bin", "server"],
    );
    let found = verdicts(&report, "server");
    assert_eq!(found.len(), 15, "{found:#?}");
    for (function, verdict) in &found {
        assert_eq!(verdict, "proven", "{function}");
    }
    assert_eq!(status, 0);
}
