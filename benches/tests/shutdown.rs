//! The gate: fails where the end of 10,000 tasks takes more instructions than with tokio-graceful-shutdown, or
//! where what is cancelled costs more each, the more there are.
//!
//! Not a libtest, which would hide the table and the reason for a skip. `BACKSTOP_CHILDREN=100000` looks at
//! as many, too.

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use backstop_benches::callgrind;
use backstop_benches::shutdown::WAYS;

const FEW: usize = 1_000;
const MANY: usize = 10_000;

/// How many times a way is run in one process. The first ends are dearer by what the allocator learns.
const ROUNDS: usize = 3;

/// What each may cost of the many, in percent of what it costs of a few.
const LINEAR: u64 = 130;

/// The ways that are compared with the first, and what they may take of it, in percent.
const COMPARED: [(usize, u64); 3] = [(1, 101), (2, 100), (3, 100)];

fn main() -> ExitCode {
    callgrind::gate("instructions for the end of each", measure)
}

/// Measures and prints; whether all is within the limits.
fn measure() -> Result<bool, Box<dyn Error>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = callgrind::build("shutdown", scratch)?;
    let profile = scratch.join("callgrind.out.shutdown");
    let more = match env::var("BACKSTOP_CHILDREN") {
        Ok(count) => Some(count.parse()?),
        Err(_) => None,
    };
    let counts: Vec<usize> = [FEW, MANY].into_iter().chain(more).collect();
    print!("{:34}", "");
    for count in &counts {
        print!(" {count:>8}");
    }
    println!("  of the first, each of {FEW}");

    let (mut passes, mut base) = (true, 0);
    for (index, way) in WAYS.iter().enumerate() {
        let each: Result<Vec<u64>, _> =
            counts.iter().map(|count| each(&program, way.name, *count, &profile)).collect();
        let each = each?;
        if index == 0 {
            base = each[1];
        }
        let mut verdict = String::new();
        let of_base = COMPARED.iter().find(|(way, _)| *way == index).map(|(_, limit)| {
            if each[1] * 100 > base * limit {
                passes = false;
                verdict = format!("MORE than {limit} % of the first");
            }
            format!("{} %", each[1] * 100 / base)
        });
        let growth = each.iter().map(|more| more * 100 / each[0]).max().unwrap_or_default();
        // What the peer does is its own.
        if index > 1 && growth > LINEAR {
            passes = false;
            verdict = format!("NOT LINEAR: more than {LINEAR} %");
        }
        print!("{:34}", way.name);
        for each in &each {
            print!(" {each:8}");
        }
        println!(" {:>6} {growth:5} % {verdict}", of_base.unwrap_or_default());
    }
    Ok(passes)
}

/// The instructions of the end of each one of `count`: the median of the rounds.
fn each(program: &Path, way: &str, count: usize, profile: &Path) -> Result<u64, Box<dyn Error>> {
    let arguments = [way, &count.to_string(), &ROUNDS.to_string()];
    let parts = callgrind::parts_of(program, &arguments, "*shutdown::measured*", profile)?;
    // Each round has two: what was made, and its end. The end of the program is behind the last.
    let mut ends: Vec<u64> = parts.iter().skip(1).step_by(2).take(ROUNDS).copied().collect();
    if ends.len() != ROUNDS {
        return Err(format!("{} counts of {way}", parts.len()).into());
    }
    ends.sort_unstable();
    Ok(ends[ROUNDS / 2] / count as u64)
}
