//! The gate: fails where a scope of tasks costs more instructions than a `JoinSet`.
//!
//! Not a libtest, which would hide the table and the reason for a skip.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use backstop_benches::{callgrind, tasks};

fn main() -> ExitCode {
    callgrind::gate("instructions of each task, spawned and joined", || Ok(report(&measure()?)))
}

/// The instructions of each way.
fn measure() -> Result<Vec<u64>, Box<dyn Error>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = callgrind::build("tasks", scratch)?;
    let profile = scratch.join("callgrind.out.tasks");
    let median = |way: &tasks::Way| {
        let counts = callgrind::parts_of(&program, &[way.name], "*tasks::measured*", &profile)?;
        // The first has the start of the program in it; the end of the program is behind the last.
        let Some(counts) = counts.get(1..tasks::ROUNDS) else {
            return Err(format!("{} counts of {}", counts.len(), way.name).into());
        };
        let mut counts = counts.to_vec();
        counts.sort_unstable();
        Ok(counts[counts.len() / 2])
    };
    tasks::all().iter().map(median).collect()
}

/// Prints, and says whether all is within the limits.
fn report(counts: &[u64]) -> bool {
    let base = counts[0];
    let mut passes = true;
    for (way, count) in tasks::all().iter().zip(counts) {
        let percent = count * 100 / base;
        let fits = *count * 100 <= base * way.limit;
        passes &= fits;
        let verdict = if fits { "" } else { "MORE than its limit" };
        let each = count / tasks::TASKS as u64;
        println!("{:28} {each:8} {percent:5} % (limit {} %) {verdict}", way.name, way.limit);
    }
    passes
}
