//! The gate: fails where a scope of tasks costs more instructions than a `JoinSet`.
//!
//! Not a libtest, which would hide the table and the reason for a skip.

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use backstop_benches::{callgrind, tasks};

fn main() -> ExitCode {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("SKIPPED: instruction counts are compared on x86-64 Linux only");
        return ExitCode::SUCCESS;
    }
    let valgrind = match callgrind::version() {
        Ok(version) => version,
        Err(error) => {
            println!("SKIPPED: instructions are not counted, `valgrind` cannot be run: {error}");
            return ExitCode::SUCCESS;
        }
    };
    match measure() {
        Ok(counts) => {
            println!("instructions of each task, spawned and joined, release, {valgrind}\n");
            report(&counts)
        }
        Err(error) => {
            eprintln!("instructions were not counted: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The instructions of each way.
fn measure() -> Result<Vec<u64>, Box<dyn Error>> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = build(scratch)?;
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

/// Builds the measured program in release; this test is a debug build.
fn build(scratch: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let target = scratch.parent().ok_or("no target directory")?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", "tasks", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(format!("the measured program was not built: {status}").into());
    }
    Ok(target.join("release/tasks"))
}

fn report(counts: &[u64]) -> ExitCode {
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
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
