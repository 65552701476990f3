//! Registrations with the exit hook beside a locked map.
//!
//! With the argument `count`, for callgrind, which takes a count at the end of each call of
//! `measured`; without, by time with 1, 2 and 4 threads, in turns.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;
use std::{env, thread};

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
    println!(
        "nanoseconds of {EACH} registrations and withdrawals a thread, for one of all threads'"
    );
    println!("operations: median of {TURNS} turns\n");
    println!("| threads | backstop | control | Mutex<HashMap> | times backstop |");
    println!("|---:|---:|---:|---:|---:|");
    for threads in [1, 2, 4] {
        let ways: [fn(u64); 3] = [withdrawn, withdrawn, mapped];
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..TURNS {
            for (way, times) in ways.iter().zip(&mut times) {
                times.push(time(threads, *way));
            }
        }
        let [backstop, control, map] = times.map(|mut times| {
            times.sort_unstable();
            times[TURNS / 2]
        });
        // Two digits are more than the machine gives.
        let times = map * 100 / backstop;
        println!(
            "| {threads} | {backstop} | {control} | {map} | {}.{:02} |",
            times / 100,
            times % 100
        );
    }
}

/// Nanoseconds from the start of all threads to the end of the last, divided by their operations.
fn time(threads: usize, run: fn(u64)) -> u128 {
    let start = Barrier::new(threads + 1);
    let worker = || {
        start.wait();
        (0..EACH).for_each(run);
    };
    thread::scope(|s| {
        let workers: Vec<_> = (0..threads).map(|_| s.spawn(worker)).collect();
        start.wait();
        let begin = Instant::now();
        for worker in workers {
            worker.join().expect("a registration does not panic");
        }
        begin.elapsed().as_nanos() / (u128::from(EACH) * threads as u128)
    })
}
