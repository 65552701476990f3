//! How much memory a program takes, beside the size of what is read of it.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cargo_backstop::policy::Policy;
use cargo_backstop::program::Program;
use cargo_backstop::source::Source;
use cargo_backstop::verdict::Judge;
use object::{File, Object as _, ObjectSection as _, SectionFlags, elf};
use peak_alloc::PeakAlloc;
use support::{fixture, many, target, verify};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The sizes of the sections that are looked at, together.
fn sections(file: &[u8]) -> usize {
    let file = File::parse(file).expect("a program");
    let read = file.sections().filter(|section| {
        let loaded = match section.flags() {
            SectionFlags::Elf { sh_flags } => sh_flags & u64::from(elf::SHF_ALLOC) != 0,
            _ => false,
        };
        let name = section.name().unwrap_or_default();
        loaded
            || matches!(name, ".symtab" | ".strtab" | ".shstrtab" | ".comment")
            || name.starts_with(".debug_")
            // Those of debug information are passed over.
            || (name.starts_with(".rela.") && !name.starts_with(".rela.debug_"))
    });
    let sizes = read.filter_map(|section| Some(section.file_range()?.1));
    usize::try_from(sizes.sum::<u64>()).expect("it fits")
}

/// Reads and judges a program: the memory that this took at most, the file among it, and how many times
/// the sections that were read that is.
fn most(path: &Path) -> (usize, f64) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let file = fs::read(path).expect("the program is read");
    let program = Program::read(&file).expect("a program");
    let (policy, source, ours) = (Policy::new(), Source::of(&file), BTreeSet::new());
    let findings = Judge::new(&program, &policy, &source, &ours).findings();
    assert!(findings.len() > 1);
    let most = MEMORY.peak_usage() - before;
    let sections = sections(&file);
    #[allow(clippy::cast_precision_loss)]
    let times = most as f64 / sections as f64;
    println!(
        "| {} | {} | {} | {times:.2} |",
        program.graph.nodes(),
        sections / 1_000_000,
        most / 1_000_000
    );
    (most, times)
}

/// One test: what another did meanwhile would count, too.
#[test]
fn memory_is_at_most_three_times_what_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    many::program(folder.path(), 40_000);
    let (small, times) = most(&folder.path().join("many"));
    assert!(times <= 3.0, "{times} times");
    // A constant of its own would hide behind a large program.
    many::program(folder.path(), 20_000);
    let (half, _) = most(&folder.path().join("many"));
    assert!(half <= small * 6 / 10, "{half}, then {small}");

    let arguments = ["--bin", "bad"];
    let (report, _) = verify(&fixture("served"), &target("served"), &arguments);
    let path = report["programs"][0]["path"].as_str().expect("a path");
    let (_, times) = most(&fixture("served").join(path));
    assert!(times <= 3.0, "{times} times");
}

#[test]
#[ignore = "takes a minute and says how much: see the README"]
fn memory_of_a_million_functions_or_of_programs_by_name() {
    println!("| nodes | sections that are read, MB | memory, the file among it, MB | times |");
    println!("|---:|---:|---:|---:|");
    let folder = tempfile::tempdir().expect("a folder");
    let named = std::env::var_os("BACKSTOP_PROGRAMS");
    let mut paths: Vec<_> = std::env::split_paths(&named.unwrap_or_default()).collect();
    if paths.is_empty() {
        many::program(folder.path(), 1_000_000);
        paths.push(folder.path().join("many"));
    }
    for path in paths {
        let (_, times) = most(&path);
        assert!(times <= 3.0, "{times} times");
    }
}
