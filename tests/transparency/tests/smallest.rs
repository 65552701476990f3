//! The two smallest crates, in every mode; `cargo run -p backstop-transparency -- --all` runs all.

use backstop_transparency::{Mode, Package, Plan, SMALLEST, run};

#[test]
fn smallest_crates_behave_as_without_attributes() -> anyhow::Result<()> {
    let packages = SMALLEST.into_iter().filter_map(Package::of_name).collect();
    let report = run(&Plan { packages, modes: Mode::ALL.to_vec(), timing: false })?;
    println!("{report}");
    assert!(report.identical(), "an attribute changed something, see the report above");
    Ok(())
}
