//! Finished children do not pile up. Alone in its process, whose address space it measures.
#![cfg(target_os = "linux")]

use std::fs;
use std::sync::mpsc;

/// Size of the address space in bytes, with pages of 4 KiB.
fn address_space() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
}

/// A thread that has ended keeps its stack, 2 MiB, until somebody joins it.
#[test]
fn ten_thousand_short_children_do_not_keep_their_stacks() {
    const CHILDREN: usize = 10_000;
    let (tell, ended) = mpsc::channel();
    let before = address_space();
    let peak = backstop::scope(|s| {
        (0..CHILDREN).fold(0, |peak, n| {
            let tell = tell.clone();
            s.spawn(move || tell.send(()).unwrap());
            ended.recv().unwrap();
            if n % 100 == 0 { peak.max(address_space()) } else { peak }
        })
    });
    let stacks = peak.saturating_sub(before) / (2 << 20);
    assert!(stacks < CHILDREN / 10, "{stacks} stacks at once");
}
