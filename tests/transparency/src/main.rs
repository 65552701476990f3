//! `cargo run -p backstop-transparency -- [--all] [--mode MODE].. [--no-timing] [CRATE]..`

use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use backstop_transparency::{Mode, PACKAGES, Package, Plan, SMALLEST, run};
use lexopt::prelude::*;

const USAGE: &str = "\
Puts backstop's attributes on every function of published crates and runs the crates' own tests.

usage: backstop-transparency [--all] [--mode MODE].. [--no-timing] [--list] [CRATE]..

Without crates: the two smallest. Without modes: all of them.";

fn main() -> ExitCode {
    match report() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Prints what came out, and tells whether nothing is other than it was.
fn report() -> Result<bool> {
    let Some(plan) = plan()? else { return Ok(true) };
    let report = run(&plan)?;
    println!("{report}");
    Ok(report.identical())
}

fn plan() -> Result<Option<Plan>> {
    let mut plan = Plan { packages: Vec::new(), modes: Vec::new(), timing: true };
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("all") => plan.packages = PACKAGES.to_vec(),
            Long("mode") => {
                let name = arguments.value()?.string()?;
                let known = Mode::ALL.map(Mode::name).join(", ");
                let mode = Mode::of_name(&name);
                plan.modes.push(mode.with_context(|| format!("no mode `{name}`: {known}"))?);
            }
            Long("no-timing") => plan.timing = false,
            Long("list") => {
                for Package { name, version, .. } in PACKAGES {
                    println!("{name} {version}");
                }
                return Ok(None);
            }
            Long("help") | Short('h') => {
                println!("{USAGE}");
                return Ok(None);
            }
            Value(name) => {
                let name = name.string()?;
                let package = Package::of_name(&name);
                plan.packages.push(
                    package.with_context(|| format!("`{name}` is not in the table: see --list"))?,
                );
            }
            other => bail!("{}\n\n{USAGE}", other.unexpected()),
        }
    }
    if plan.packages.is_empty() {
        plan.packages = SMALLEST.into_iter().filter_map(Package::of_name).collect();
    }
    if plan.modes.is_empty() {
        plan.modes = Mode::ALL.to_vec();
    }
    Ok(Some(plan))
}
