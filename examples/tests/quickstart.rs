//! The README's first command, as a user sees it.

mod support;

use support::example;

#[test]
fn each_way_out_runs_its_cleanups_and_says_why() {
    let output = example("quickstart").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "its own panics are expected");

    let ways: Vec<Vec<&str>> =
        text.trim_end().split("\n\n").map(|way| way.lines().collect()).collect();
    let ran = |way: usize| -> Vec<String> {
        let lines = ways[way - 1].iter().filter_map(|line| line.trim().strip_prefix("ran "));
        lines.map(|line| line.trim().split("  ").next().unwrap().to_owned()).collect()
    };
    let every = ["unlock", "close session", "audit line"];
    let success = ["receipt", "unlock", "close session", "audit line"];
    let failure = ["roll back", "unlock", "close session", "audit line"];
    assert_eq!(ways.len(), 12);
    assert_eq!(ran(1), success);
    for way in [2, 3, 4, 6] {
        assert_eq!(ran(way), failure, "way {way}");
    }
    for way in [5, 7] {
        assert_eq!(ran(way), success, "way {way}");
        assert!(ways[way - 1].iter().any(|line| line.contains("reported")), "way {way}");
    }
    assert_eq!(ran(8), every[1..]);
    assert_eq!(ran(9), ["receipt", "unlock", "audit line"]);
    assert_eq!(ran(10), ["close session", "receipt", "unlock", "audit line"]);
    assert_eq!(ran(11)[..2], ["file item 1.1", "file item 1.2"]);
    assert_eq!(ran(11)[2..], success);
    assert_eq!(ran(12)[..2], ["file item 1.1", "discard item 1.2"]);
    assert_eq!(ran(12)[2..], failure);
    assert!(!text.contains("a bug in backstop"));
}

#[test]
fn colours_are_for_terminals() {
    let output = example("quickstart").env_remove("CLICOLOR_FORCE").output().unwrap();
    assert!(!output.stdout.contains(&0x1b));
}
