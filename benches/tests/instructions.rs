//! The gate: fails where a guard costs more instructions than the same work by hand.
//!
//! Not a libtest, which would hide the table and the reason for a skip.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use backstop_benches::callgrind;
use backstop_benches::operations::{self, Operation, ROUNDS, Way};

fn main() -> ExitCode {
    callgrind::gate("instructions of each operation", || Ok(report(&measure()?)))
}

/// The instructions of each operation.
fn measure() -> Result<Vec<(Operation, i64)>, Box<dyn Error>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = callgrind::build("operations", scratch)?;
    let profile = scratch.join("callgrind.out.operations");
    let counts = callgrind::parts(&program, "*operations::measured*", &profile)?;
    let operations = operations::all();
    // Two warm-ups before, the end of the program behind.
    let [_, empty, counts @ .., _] = counts.as_slice() else {
        return Err("callgrind saw no call of `measured`".into());
    };
    if counts.len() != operations.len() {
        let text = format!("{} counts for {} operations", counts.len(), operations.len());
        return Err(text.into());
    }
    let rounds = i64::from(ROUNDS);
    let each = |count: &u64| {
        let own = i64::try_from(*count)? - i64::try_from(*empty)?;
        // The few instructions between two calls of `measured` are not the same for all.
        Ok((own + rounds / 2).div_euclid(rounds))
    };
    let counts: Result<Vec<i64>, Box<dyn Error>> = counts.iter().map(each).collect();
    Ok(operations.into_iter().zip(counts?).collect())
}

/// Prints, and says whether all is within the limits.
fn report(rows: &[(Operation, i64)]) -> bool {
    println!("{:36} {:>8} {:>8} {:>10} {:>8}", "", "by hand", "control", "scopeguard", "backstop");
    let mut passes = true;
    for shape in rows.chunk_by(|(a, _), (b, _)| a.shape == b.shape) {
        let of = |way| shape.iter().find(|(operation, _)| operation.way == way).map(|row| row.1);
        let [Some(by_hand), Some(control), Some(scopeguard), Some(backstop)] =
            [Way::ByHand, Way::Control, Way::Scopeguard, Way::Backstop].map(of)
        else {
            unreachable!("a shape has all four ways")
        };
        let (Operation { shape, more, .. }, _) = shape[0];
        let difference = backstop - by_hand;
        let verdict = if control != by_hand {
            "NO MEASURE: the control differs".to_owned()
        } else if difference > more {
            format!("MORE than by hand; {more:+} is the limit")
        } else if more > 0 {
            format!("({more:+} is the limit)")
        } else {
            String::new()
        };
        passes &= control == by_hand && difference <= more;
        println!(
            "{shape:36} {by_hand:8} {control:8} {scopeguard:10} {backstop:8} {difference:+5} {verdict}"
        );
    }
    passes
}
