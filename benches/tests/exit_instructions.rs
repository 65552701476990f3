//! The gate of the exit hook: fails where a registration costs more instructions than promised.
//!
//! Not a libtest, which would hide the table and the reason for a skip.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use backstop_benches::callgrind;
use backstop_benches::exit::{REGISTRATIONS, ROUNDS};

fn main() -> ExitCode {
    callgrind::gate("instructions of a registration with its end", || Ok(report(&measure()?)))
}

/// Prints, and says whether all is within the limits.
fn report(counts: &[u64]) -> bool {
    let mut passes = true;
    for (registration, &count) in REGISTRATIONS.iter().zip(counts) {
        let over = registration.limit.is_some_and(|limit| count > limit);
        let verdict = match registration.limit {
            Some(limit) if over => format!("MORE than {limit}"),
            Some(limit) => format!("({limit} is the limit)"),
            None => String::new(),
        };
        println!("{:40} {count:6} {verdict}", registration.name);
        passes &= !over;
    }
    passes
}

/// The instructions of each registration.
fn measure() -> Result<Vec<u64>, Box<dyn Error>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = callgrind::build("exit-registry", scratch)?;
    let profile = scratch.join("callgrind.out.exit-registry");
    let counts = callgrind::parts_of(&program, &["count"], "*exit_registry::measured*", &profile)?;
    // Two warm-ups before, the end of the program behind.
    let [_, empty, counts @ .., _] = counts.as_slice() else {
        return Err("callgrind saw no call of `measured`".into());
    };
    if counts.len() != REGISTRATIONS.len() {
        return Err(format!("{} counts of {}", counts.len(), REGISTRATIONS.len()).into());
    }
    let rounds = u64::from(ROUNDS);
    Ok(counts.iter().map(|count| (count.saturating_sub(*empty) + rounds / 2) / rounds).collect())
}
