//! Times `cargo check` of generated functions, and clean builds, beside peers.
//!
//! Everything is timed in turns, so that what else the machine does falls on all alike, and a
//! control is timed along: two rows that differ by less than it differs from its equal are equal.

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use backstop_benches::generated::{ANNOTATED, DEPENDENCIES, FUNCTIONS, annotated, depending};

fn main() -> Result<(), Box<dyn Error>> {
    let rounds: usize = match env::args().nth(1) {
        Some(argument) => argument.parse().map_err(|_| "usage: build-times [ROUNDS]")?,
        None => 7,
    };
    let program = env::current_exe()?;
    let root = program.parent().ok_or("no place to write to")?.join("generated");
    let machine = std::thread::available_parallelism()?;
    println!("medians of {rounds} rounds, {machine} cores\n");
    checks(&root.join("checks"), rounds)?;
    clean_builds(&root.join("clean"), rounds)
}

fn checks(root: &Path, rounds: usize) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(root)?;
    annotated(root)?;
    // Macros and dependencies are built before, and each crate checked once.
    cargo(root, "check", ["--workspace"])?;
    let mut times = ANNOTATED.map(|_| Vec::new());
    for _ in 0..rounds {
        for (annotated, times) in ANNOTATED.iter().zip(&mut times) {
            let source = root.join(annotated.package()).join("src/lib.rs");
            fs::File::options().write(true).open(source)?.set_modified(SystemTime::now())?;
            times.push(cargo(root, "check", ["--package", &annotated.package()])?);
        }
    }
    println!("`cargo check` of {FUNCTIONS} functions, seconds, and times `{}`", ANNOTATED[0].name);
    print(ANNOTATED.map(|annotated| annotated.name).into_iter().zip(times));
    Ok(())
}

fn clean_builds(root: &Path, rounds: usize) -> Result<(), Box<dyn Error>> {
    let place = |name: &str| root.join(name.replace(['(', ')'], "").replace(' ', "-"));
    for (name, dependency) in DEPENDENCIES {
        depending(&place(name), dependency)?;
        // Downloads come before.
        cargo(&place(name), "fetch", [""; 0])?;
    }
    let mut times = DEPENDENCIES.map(|_| Vec::new());
    for _ in 0..rounds {
        for ((name, _), times) in DEPENDENCIES.iter().zip(&mut times) {
            let target = place(name).join("target");
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            times.push(cargo(&place(name), "build", [""; 0])?);
        }
    }
    println!("clean debug build, seconds, and times `{}`", DEPENDENCIES[0].0);
    print(DEPENDENCIES.map(|(name, _)| name).into_iter().zip(times));
    Ok(())
}

/// Runs cargo on the workspace in `root`, and says how long it took.
fn cargo<S: AsRef<OsStr>>(
    root: &Path,
    command: &str,
    arguments: impl IntoIterator<Item = S>,
) -> Result<Duration, Box<dyn Error>> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command_line = Command::new(program);
    command_line
        .args([command, "--quiet", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .args(arguments)
        .env("CARGO_TARGET_DIR", root.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS");
    let start = Instant::now();
    let status = command_line.status()?;
    let elapsed = start.elapsed();
    if status.success() { Ok(elapsed) } else { Err(format!("cargo {command}: {status}").into()) }
}

fn print<'a>(rows: impl IntoIterator<Item = (&'a str, Vec<Duration>)>) {
    println!("{:20} {:>7} {:>7} {:>7} {:>7}", "", "median", "min", "max", "times");
    let mut first = None;
    for (name, mut times) in rows {
        times.sort_unstable();
        let [min, .., max] = times.as_slice() else {
            println!("{name:20} needs two rounds or more");
            continue;
        };
        let median = times[times.len() / 2].as_secs_f64();
        let ratio = median / *first.get_or_insert(median);
        let [min, max] = [min, max].map(Duration::as_secs_f64);
        println!("{name:20} {median:7.2} {min:7.2} {max:7.2} {ratio:7.2}");
    }
    println!();
}
