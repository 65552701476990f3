//! Instruction counts of the parts of a program. `README.md` says why not with gungraun.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// A gate, the whole of a test that is not libtest's: says `what` is counted, or why nothing can be counted here,
/// which is no failure. `measure` prints the rest, and says whether all is within the limits.
pub fn gate(what: &str, measure: impl FnOnce() -> Result<bool, Box<dyn Error>>) -> ExitCode {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        println!("SKIPPED: instruction counts are compared on x86-64 Linux only");
        return ExitCode::SUCCESS;
    }
    let valgrind = match version() {
        Ok(version) => version,
        Err(error) => {
            println!("SKIPPED: instructions are not counted, `valgrind` cannot be run: {error}");
            return ExitCode::SUCCESS;
        }
    };
    println!("{what}, release, {valgrind}\n");
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("instructions were not counted: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What valgrind calls itself, or why it cannot be asked.
fn version() -> io::Result<String> {
    let output = Command::new("valgrind").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Builds a program of this package in release, for a test, which is a debug build. `scratch` is the
/// test's own directory in the target directory.
///
/// # Errors
///
/// If it cannot be built.
pub fn build(program: &str, scratch: &Path) -> io::Result<PathBuf> {
    let target = scratch.parent().ok_or_else(|| io::Error::other("no target directory"))?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--bin", program, "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("the measured program was not built: {status}")));
    }
    Ok(target.join("release").join(program))
}

/// Runs `program` and returns the instructions that it executed up to the end of each call of the
/// function that matches `function`, from the end of the call before.
///
/// # Errors
///
/// If valgrind fails, or its profile cannot be read.
pub fn parts(program: &Path, function: &str, profile: &Path) -> io::Result<Vec<u64>> {
    parts_of(program, &[], function, profile)
}

/// As [`parts`], of a program with arguments.
///
/// # Errors
///
/// As [`parts`].
pub fn parts_of(
    program: &Path,
    arguments: &[&str],
    function: &str,
    profile: &Path,
) -> io::Result<Vec<u64>> {
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=yes", "--quiet"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(format!("--dump-after={function}"))
        .arg(program)
        .args(arguments)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("valgrind ended with {status}")));
    }
    let text = fs::read_to_string(profile)?;
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    totals.map(|total| total.trim().parse().map_err(io::Error::other)).collect()
}
