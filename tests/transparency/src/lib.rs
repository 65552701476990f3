//! Published crates with an attribute on every function behave as they did without.

mod cargo;
mod mode;
mod package;
mod refusals;
mod report;
mod rewrite;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;

pub use mode::Mode;
pub use package::{PACKAGES, Package};
pub use report::Report;

use cargo::Cargo;
use package::PROBE;
use refusals::Table;
use trial::Baseline;

/// The smallest ones, for every run of CI.
pub const SMALLEST: [&str; 2] = ["semver", "either"];

/// What to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The crates.
    pub packages: Vec<Package>,
    /// The modes.
    pub modes: Vec<Mode>,
    /// Whether to measure `cargo check`, too.
    pub timing: bool,
}

/// Does it, telling on stderr how far it is.
///
/// # Errors
///
/// Where a crate cannot be fetched or does not build untouched, or cargo does not run: what it is
/// about differences, the report says.
pub fn run(plan: &Plan) -> Result<Report> {
    let table = Table::read()?;
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let metadata = MetadataCommand::new()
        .current_dir(&workspace)
        .no_deps()
        .exec()
        .context("cannot find the workspace's target folder")?;
    let scratch = metadata.target_directory.as_std_path().join("transparency");
    let cargo = Cargo { target: scratch.join("target") };
    let probe = write_probe(&scratch)?;
    let mut report = Report::default();
    for package in &plan.packages {
        let Package { name, version, .. } = package;
        eprintln!("{name} {version}: untouched");
        let folder = scratch.join(format!("{name}-{version}"));
        let root = package.copy(&folder, &workspace.join("runtime"), &probe)?;
        fs::copy(workspace.join("Cargo.lock"), root.join("Cargo.lock"))?;
        let baseline = Baseline::of(*package, root, &cargo, plan.timing)?;
        let mut refused = Vec::new();
        for mode in &plan.modes {
            eprintln!("{name} {version}: {mode}");
            let trial = baseline.trial(*mode, &cargo, &table, plan.timing)?;
            refused.extend(trial.refusals.iter().cloned());
            report.add(&baseline, *mode, trial, &table);
        }
        if plan.modes == Mode::ALL {
            report.unseen(name, table.unseen(name, &refused));
        }
    }
    Ok(report)
}

/// Writes the package of the probe.
fn write_probe(scratch: &Path) -> Result<PathBuf> {
    let dir = scratch.join("probe");
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("lib.rs"), include_str!("../probe/lib.rs"))?;
    fs::write(
        dir.join("Cargo.toml"),
        format!(
            "[package]\nname = \"{PROBE}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [lib]\npath = \"lib.rs\"\n\n[workspace]\n"
        ),
    )?;
    Ok(dir)
}
