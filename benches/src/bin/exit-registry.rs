//! Registrations with the exit hook beside a locked map.
//!
//! With the argument `count`, for callgrind, which takes a count at the end of each call of
//! `measured`; without, by the clock with 1, 2 and 4 threads, in turns.

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};
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

const EACH: u64 = 200_000;
const TURNS: usize = 9;

fn contend() {
    println!("nanoseconds for one registration and its withdrawal, median of {TURNS} turns\n");
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
            times[TURNS / 2].as_secs_f64() * 1e9
        });
        println!("| {threads} | {backstop:.0} | {control:.0} | {map:.0} | {:.2} |", map / backstop);
    }
}

/// The time that one operation takes, all threads together.
fn time(threads: u32, run: fn(u64)) -> Duration {
    let start = Barrier::new(threads as usize + 1);
    thread::scope(|s| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                s.spawn(|| {
                    start.wait();
                    (0..EACH).for_each(run);
                })
            })
            .collect();
        start.wait();
        let begin = Instant::now();
        for worker in workers {
            worker.join().expect("a registration does not panic");
        }
        begin.elapsed().div_f64(f64::from(threads) * EACH as f64)
    })
}
