//! Runs each operation for callgrind, which takes a count at the end of each call of `measured`.

use std::hint::black_box;

use backstop_benches::operations;

fn main() {
    let operations = operations::all();
    // The first count has the start of the program in it; the second is what is not the operations'.
    measured(|seed| seed, 0);
    measured(|seed| seed, 0);
    for operation in &operations {
        measured(operation.run, operation.seed);
    }
}

#[inline(never)]
fn measured(run: fn(u64) -> u64, seed: u64) {
    let run = black_box(run);
    for _ in 0..operations::ROUNDS {
        black_box(run(black_box(seed)));
    }
}
