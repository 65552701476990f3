//! `.ci/power-cut [ROUNDS]` runs this: see CONTRIBUTING.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use backstop_power_cut::archive::Archive;
use backstop_power_cut::machine::Workshop;
use backstop_power_cut::rounds::Rounds;
use lexopt::prelude::*;

const USAGE: &str = "\
usage: backstop-power-cut --root DIRECTORY --programs DIRECTORY [--rounds NUMBER] [--seed NUMBER]

Cuts the power of a virtual machine so often, and looks each time at what is left.
`.ci/power-cut` makes the directories.";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing is wrong.
fn run() -> Result<bool> {
    let (mut root, mut programs) = (None, None);
    let (mut rounds, mut seed) = (100, fastrand::u64(..1 << 32));
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("root") => root = Some(PathBuf::from(arguments.value()?)),
            Long("programs") => programs = Some(PathBuf::from(arguments.value()?)),
            Long("rounds") => rounds = arguments.value()?.parse()?,
            Long("seed") => seed = arguments.value()?.parse()?,
            other => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    let (root, programs) = root.zip(programs).context(USAGE)?;
    let program = |name: &str| {
        let path = programs.join(name);
        std::fs::read(&path).with_context(|| path.display().to_string())
    };
    let mut archive = Archive::default();
    for directory in ["proc", "dev", "disk", "etc"] {
        archive.directory(directory);
    }
    // What the next start is told from another machine by.
    archive.file("etc/machine-id", b"5d3c1e7f9b2a4860a1c2e3f405162738\n");
    archive.directory("modules");
    for (name, module) in Workshop::modules(&root)? {
        archive.file(&format!("modules/{name}"), &module);
    }
    archive.program("init", &program("power_cut_init")?);
    archive.program("work", &program("power_cut_work")?);
    let workshop = Workshop::new(&root, &archive.finish())?;
    println!("seed {seed}");
    let mut rounds_made = Rounds::new(&workshop, seed)?;
    rounds_made.all(rounds)?;
    println!("{rounds_made}");
    Ok(rounds_made.is_well())
}
