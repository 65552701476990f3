//! Tokens that are gone leave nothing behind. Alone in its process, whose memory it measures.
#![cfg(target_os = "linux")]

use std::fs;

use backstop::CancelToken;

/// Resident memory in bytes, with pages of 4 KiB; larger pages only make the test coarser.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn children_that_are_dropped_leave_nothing_with_their_parent() {
    let parent = CancelToken::new();
    let kept = parent.child();
    let before = resident();
    for _ in 0..500_000 {
        drop(parent.child().child());
    }
    let grown = resident().saturating_sub(before);
    // Kept in the parent, each would take well over 100 bytes.
    assert!(grown < 10_000_000, "grew by {grown} bytes");
    parent.cancel();
    assert!(kept.is_cancelled());
}
