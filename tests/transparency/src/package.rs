//! The crates under test, and where their sources come from: cargo, by name and exact version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use cargo_metadata::MetadataCommand;
use toml_edit::{DocumentMut, Item, Table, value};
use walkdir::WalkDir;

/// A published crate that brings its own tests.
#[derive(Clone, Copy, Debug)]
pub struct Package {
    /// Its name on crates.io.
    pub name: &'static str,
    /// The exact version.
    pub version: &'static str,
    /// Its integration tests lack files in the published package: only those in `src` are run.
    pub unit_tests_only: bool,
    /// Tests that run for minutes where every block counts.
    pub too_long: &'static [&'static str],
}

impl Package {
    const fn new(name: &'static str, version: &'static str) -> Self {
        Self { name, version, unit_tests_only: false, too_long: &[] }
    }
}

/// Of different style each: what stands beside it is what it is here for.
pub const PACKAGES: &[Package] = &[
    // `unsafe`, allocation, parsing with `?`, `Display` by hand.
    Package::new("semver", "1.0.28"),
    // Macro-written trait impls, iterators over two types, pinned projections.
    Package::new("either", "1.19.0"),
    // Error enums, parsing and formatting of times, `impl Trait`.
    Package::new("humantime", "2.4.0"),
    // Text, closures, `Cow`, traits with default methods, doc tests.
    Package::new("textwrap", "0.16.4"),
    // Generics in every position, macro-heavy, hundreds of doc tests, quickcheck.
    Package::new("itertools", "0.15.0"),
    // A parser and virtual machines: loops, labels, `match`, thread-safe caches.
    Package { unit_tests_only: true, ..Package::new("regex-lite", "0.1.9") },
    // Raw memory, `ManuallyDrop`, drop-counting tests, panics in iterators.
    Package::new("smallvec", "1.16.6"),
    // The same with const generics; `no_std`.
    Package::new("arrayvec", "0.7.8"),
    // Byte-wise parsers with macros that hide `return`.
    Package {
        too_long: &["tests::test_all_utf8_char_in_paths"],
        ..Package::new("httparse", "1.10.1")
    },
    // Edition 2024, borrows that are returned through `match`, entries.
    Package::new("indexmap", "2.14.2"),
];

impl Package {
    /// The package of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        PACKAGES.iter().find(|package| package.name == name).copied()
    }

    /// Lets cargo fetch the sources, and tells where they are.
    fn source(self, scratch: &Path) -> Result<PathBuf> {
        let dir = scratch.join("fetch");
        fs::create_dir_all(dir.join("src"))?;
        fs::write(dir.join("src/lib.rs"), "")?;
        let manifest = dir.join("Cargo.toml");
        let Self { name, version, .. } = self;
        fs::write(
            &manifest,
            format!(
                "[package]\nname = \"fetch\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                 [dependencies]\n{name} = \"={version}\"\n\n[workspace]\n"
            ),
        )?;
        let metadata =
            MetadataCommand::new().manifest_path(&manifest).exec().with_context(|| {
                format!("cannot fetch {name} {version}: is the cargo registry reachable?")
            })?;
        let package = metadata
            .packages
            .iter()
            .find(|package| package.name.as_str() == name)
            .with_context(|| format!("cargo resolved no {name}"))?;
        let root = package.manifest_path.parent().context("a manifest without a folder")?;
        Ok(root.as_std_path().to_owned())
    }

    /// Makes the untouched copy below `scratch`, with the dependencies that the rewritten ones
    /// need, so that nothing but the sources differs.
    pub(crate) fn copy(self, scratch: &Path, backstop: &Path, probe: &Path) -> Result<PathBuf> {
        let source = self.source(scratch)?;
        let copy = scratch.join("bare");
        copy_tree(&source, &copy)?;
        let manifest = copy.join("Cargo.toml");
        let text = fs::read_to_string(&manifest)?;
        let mut toml: DocumentMut =
            text.parse().with_context(|| format!("in {}", manifest.display()))?;
        let edition = toml["package"].get("edition").and_then(Item::as_str).unwrap_or("2015");
        if edition == "2015" {
            bail!(
                "{} is written in edition 2015, which `::backstop` cannot be named in",
                self.name
            );
        }
        if self.unit_tests_only {
            fs::remove_dir_all(copy.join("tests"))?;
            toml.remove("test");
        }
        trim(&mut toml, &words(&copy)?);
        for (name, path) in [("backstop", backstop), (PROBE, probe)] {
            let path = path.to_str().context("the path of the workspace is not UTF-8")?;
            let mut dependency = Table::new();
            dependency["path"] = value(path);
            toml["dependencies"].or_insert(Item::Table(Table::new()))[name] =
                Item::Table(dependency);
        }
        toml["workspace"] = Item::Table(Table::new());
        // Some tests enter millions of blocks.
        toml["profile"]["dev"]["package"][PROBE]["opt-level"] = value(3);
        fs::write(&manifest, toml.to_string())?;
        Ok(copy)
    }
}

/// The package of the probe.
pub(crate) const PROBE: &str = "backstop-transparency-probe";

/// Copies a folder in place of what is there.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to).with_context(|| format!("cannot clear {}", to.display()))?;
    }
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let target = to.join(entry.path().strip_prefix(from)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(&target)?;
        } else {
            fs::copy(entry.path(), &target)
                .with_context(|| format!("cannot copy to {}", target.display()))?;
        }
    }
    Ok(())
}

/// The Rust files whose functions are rewritten: the crate's and its tests'.
pub(crate) fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in ["src", "tests"] {
        for entry in WalkDir::new(root.join(dir)).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.path().extension().is_some_and(|ext| ext == "rs") => {
                    files.push(entry.path().strip_prefix(root)?.to_owned());
                }
                Ok(_) => {}
                // No such folder.
                Err(error) if error.depth() == 0 => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(files)
}

/// Every identifier of the sources.
fn words(root: &Path) -> Result<BTreeSet<String>> {
    let mut words = BTreeSet::new();
    for file in sources(root)? {
        let text = fs::read_to_string(root.join(file))?;
        let word = |c: char| !(c.is_alphanumeric() || c == '_');
        words.extend(text.split(word).map(str::to_owned));
    }
    Ok(words)
}

/// Takes away what only benchmarks and examples need: it would be built for nothing.
fn trim(toml: &mut DocumentMut, words: &BTreeSet<String>) {
    for table in ["bench", "example"] {
        toml.remove(table);
    }
    toml["package"]["autobenches"] = value(false);
    toml["package"]["autoexamples"] = value(false);
    if let Some(table) = toml.get_mut("dev-dependencies").and_then(Item::as_table_like_mut) {
        let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            if !words.contains(&name.replace('-', "_")) {
                table.remove(&name);
            }
        }
    }
}
