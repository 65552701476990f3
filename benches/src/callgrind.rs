//! Instruction counts of the parts of a program. `README.md` says why not with gungraun.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// What valgrind calls itself, or why it cannot be asked.
///
/// # Errors
///
/// If it cannot be started.
pub fn version() -> io::Result<String> {
    let output = Command::new("valgrind").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
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

/// [`parts`] of a program with arguments.
///
/// # Errors
///
/// As [`parts`].
pub fn parts_of(
    program: &Path,
    args: &[&str],
    function: &str,
    profile: &Path,
) -> io::Result<Vec<u64>> {
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=yes", "--quiet"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(format!("--dump-after={function}"))
        .arg(program)
        .args(args)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(io::Error::other(format!("valgrind ended with {status}")));
    }
    let text = fs::read_to_string(profile)?;
    let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
    totals.map(|total| total.trim().parse().map_err(io::Error::other)).collect()
}
