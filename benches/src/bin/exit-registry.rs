//! Registrations with the exit hook beside a locked map.
//!
//! With the argument `count`, for callgrind, which takes a count at the end of each call of
//! `measured`; without, by time with 1, 2 and 4 threads, in turns.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;
use std::{env, fs, thread};

use backstop_benches::exit::{REGISTRATIONS, ROUNDS, mapped, withdrawn};

fn main() {
    if env::args().nth(1).is_some_and(|argument| argument == "count") {
        count();
    } else {
        contend();
    }
}

fn count() {
    // The first count has the start of the program and the first registration in it; the second is
    // what is not the registrations'.
    for registration in REGISTRATIONS {
        (registration.run)(0);
    }
    measured(|_| (), 0);
    measured(|_| (), 0);
    for registration in REGISTRATIONS {
        measured(registration.run, 5);
    }
}

#[inline(never)]
fn measured(run: fn(u64), seed: u64) {
    let run = black_box(run);
    for _ in 0..ROUNDS {
        run(black_box(seed));
    }
}

const EACH: u64 = 100_000;
const TURNS: usize = 31;

fn contend() {
    println!("For one registration and its withdrawal, all threads together: nanoseconds, and how");
    println!("often a thread had to sleep in a million. Median of {TURNS} turns.\n");
    println!(
        "| threads | backstop | control | Mutex<HashMap> | times backstop | sleeps: backstop | control | Mutex<HashMap> |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    for threads in [1, 2, 4] {
        let ways: [fn(u64); 3] = [withdrawn, withdrawn, mapped];
        let mut turns = [const { Vec::new() }; 3];
        for _ in 0..TURNS {
            for (way, turns) in ways.iter().zip(&mut turns) {
                turns.push(turn(threads, *way));
            }
        }
        let [times, sleeps] = [0, 1].map(|which| {
            turns.each_ref().map(|turns| {
                let mut values: Vec<u128> = turns.iter().map(|turn| turn[which]).collect();
                values.sort_unstable();
                values[TURNS / 2]
            })
        });
        // Two digits are more than the machine gives.
        let ratio = times[2] * 100 / times[0];
        println!(
            "| {threads} | {} | {} | {} | {}.{:02} | {} | {} | {} |",
            times[0],
            times[1],
            times[2],
            ratio / 100,
            ratio % 100,
            sleeps[0],
            sleeps[1],
            sleeps[2]
        );
    }
}

/// Nanoseconds from the start of all threads to the end of the last, divided by their operations; and
/// how often they slept, in a million operations.
fn turn(threads: usize, run: fn(u64)) -> [u128; 2] {
    let start = Barrier::new(threads + 1);
    let worker = || {
        start.wait();
        let before = sleeps();
        (0..EACH).for_each(run);
        sleeps() - before
    };
    let operations = u128::from(EACH) * threads as u128;
    thread::scope(|s| {
        let workers: Vec<_> = (0..threads).map(|_| s.spawn(worker)).collect();
        start.wait();
        let begin = Instant::now();
        let slept = workers.into_iter().map(thread::ScopedJoinHandle::join);
        let slept: u128 = slept.map(|slept| slept.expect("a registration does not panic")).sum();
        [begin.elapsed().as_nanos() / operations, slept * 1_000_000 / operations]
    })
}

/// How often this thread went to sleep by itself, as on a lock; 0 where nobody tells.
fn sleeps() -> u128 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap_or(0)
}
