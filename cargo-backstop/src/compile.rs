//! Builds the workspace, with what the proof needs, into a folder of its own.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::wrapper;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Cargo could not be run.
    #[error("cannot run cargo: {0}")]
    Cargo(io::Error),
    /// Cargo could not read the workspace; it has said why.
    #[error("cargo cannot read the workspace")]
    Workspace(String),
    /// The build failed; cargo has said why.
    #[error("the build failed")]
    Build,
    /// The selection holds nothing that is linked.
    #[error(
        "nothing of what was built is a program: a library is looked at through its tests or examples\nhelp: add `--tests`, or `--example NAME`"
    )]
    NoProgram,
    /// A file could not be read or written.
    #[error("cannot use `{path}`: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// What to build, in cargo's own words.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// `--manifest-path`.
    pub manifest: Option<PathBuf>,
    /// Options that say what is built and how, as cargo takes them.
    pub options: Vec<OsString>,
    /// Some package is named.
    pub packages: bool,
    /// Some target is named.
    pub targets: bool,
    /// Cargo's own progress is not shown.
    pub quiet: bool,
}

/// What cargo says of the workspace.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// Its folder.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
    src_path: PathBuf,
}

/// A target of a package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// The package.
    pub package: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The file that the target begins with.
    pub file: PathBuf,
}

impl Workspace {
    /// The names of the crates of the workspace, as they stand in paths.
    #[must_use]
    pub fn crates(&self) -> BTreeSet<String> {
        let targets = self.packages.iter().flat_map(|package| &package.targets);
        targets.map(|target| target.name.replace('-', "_")).collect()
    }

    /// The targets of its packages that are there to be used: no build scripts, no tests.
    #[must_use]
    pub fn roots(&self) -> Vec<Root> {
        let mut roots = Vec::new();
        for package in &self.packages {
            let folder = package.manifest_path.parent().unwrap_or(&self.root).to_owned();
            for target in &package.targets {
                let other = ["custom-build", "test", "bench"];
                if !target.kind.iter().any(|kind| other.contains(&kind.as_str())) {
                    roots.push(Root {
                        package: package.name.clone(),
                        folder: folder.clone(),
                        file: target.src_path.clone(),
                    });
                }
            }
        }
        roots.sort();
        roots
    }

    fn has_program(&self) -> bool {
        ["bin", "example", "cdylib"].iter().any(|kind| self.has_kind(kind))
    }

    fn has_kind(&self, wanted: &str) -> bool {
        let mut targets = self.packages.iter().flat_map(|package| &package.targets);
        targets.any(|target| target.kind.iter().any(|kind| kind == wanted))
    }
}

/// Something that was linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The package and the target: `app (bin)`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// The object files that it was linked from, as far as they are of its own crate.
    pub objects: Vec<PathBuf>,
}

/// What a build made.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// Programs and shared libraries.
    pub linked: Vec<Linked>,
    /// Libraries.
    pub libraries: Vec<PathBuf>,
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Asks cargo about the workspace.
///
/// # Errors
///
/// Where cargo cannot be run or cannot read it.
pub fn workspace(manifest: Option<&Path>) -> Result<Workspace, Error> {
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1"]);
    if let Some(manifest) = manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    let output = command.stderr(Stdio::inherit()).output().map_err(Error::Cargo)?;
    if !output.status.success() {
        return Err(Error::Workspace(output.status.to_string()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Error::Workspace(error.to_string()))
}

/// Builds a selection of the workspace.
///
/// # Errors
///
/// Where the build fails, or gives nothing that is linked.
pub fn build(workspace: &Workspace, selection: &Selection) -> Result<Built, Error> {
    let folder = workspace.target_directory.join("backstop");
    prepare(&folder)?;
    let this = std::env::current_exe().map_err(Error::Cargo)?;
    let mut command = cargo();
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    if let Some(manifest) = &selection.manifest {
        command.arg("--manifest-path").arg(manifest);
    }
    command.args(&selection.options);
    if !selection.packages {
        command.arg("--workspace");
    }
    if !selection.targets {
        // A library has nothing to show but its tests.
        if workspace.has_program() {
            command.args(["--bins", "--examples"]);
        } else {
            command.arg("--tests");
        }
        if workspace.has_kind("cdylib") {
            command.arg("--lib");
        }
    }
    if selection.quiet {
        command.arg("--quiet");
    }
    // Without tests, the harness is not wanted, either.
    let harness = selection
        .options
        .iter()
        .any(|option| matches!(option.to_str(), Some("--test" | "--tests" | "--all-targets")));
    if !harness && (selection.targets || workspace.has_program()) {
        command = as_build(&command);
    }
    command.arg("--target-dir").arg(&folder);
    command
        .env("RUSTC_WRAPPER", this)
        .env(wrapper::VARIABLE, "1")
        .env(wrapper::MARK, "1")
        .env(wrapper::CHAIN, users_wrapper(&workspace.root).unwrap_or_default())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(Error::Cargo)?;
    let mut built = Built::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(Error::Cargo)?;
            if let Ok(message) = serde_json::from_str::<Message>(&line) {
                message.add_to(&mut built);
            }
        }
    }
    if !child.wait().map_err(Error::Cargo)?.success() {
        return Err(Error::Build);
    }
    if built.linked.is_empty() {
        return Err(Error::NoProgram);
    }
    built.linked.sort_by(|a, b| a.name.cmp(&b.name).then(a.path.cmp(&b.path)));
    built.linked.dedup();
    Ok(built)
}

/// The same arguments for `cargo build`, which has no `--no-run`.
fn as_build(command: &Command) -> Command {
    let mut build = Command::new(command.get_program());
    build.arg("build");
    build.args(command.get_args().skip(1).filter(|argument| *argument != "--no-run"));
    build
}

/// Empties the folder where it was filled by another version of our flags.
fn prepare(folder: &Path) -> Result<(), Error> {
    let stamp = folder.join(".cargo-backstop");
    let file_error = |path: &Path| {
        let path = path.to_owned();
        move |error| Error::File { path, error }
    };
    match std::fs::read_to_string(&stamp) {
        Ok(version) if version == wrapper::FLAGS_VERSION => return Ok(()),
        // Only a folder that is ours: the stamp says so.
        Ok(_) => std::fs::remove_dir_all(folder).map_err(file_error(folder))?,
        Err(_) => {}
    }
    std::fs::create_dir_all(folder).map_err(file_error(folder))?;
    std::fs::write(&stamp, wrapper::FLAGS_VERSION).map_err(file_error(&stamp))
}

/// The wrapper that the user set, which ours hands on to.
fn users_wrapper(root: &Path) -> Option<OsString> {
    let of_environment = ["RUSTC_WRAPPER", "CARGO_BUILD_RUSTC_WRAPPER"];
    if let Some(found) = of_environment.into_iter().find_map(std::env::var_os) {
        return Some(found);
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let folders = root.ancestors().map(|folder| folder.join(".cargo"));
    folders.chain(home).find_map(|folder| {
        let text = ["config.toml", "config"]
            .iter()
            .find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
        let config: toml::Table = text.parse().ok()?;
        let wrapper = config.get("build")?.get("rustc-wrapper")?.as_str()?;
        // With a slash it is a path, from the folder that `.cargo` is in.
        Some(match (wrapper.contains('/'), folder.parent()) {
            (true, Some(base)) => base.join(wrapper).into_os_string(),
            _ => wrapper.into(),
        })
    })
}

/// What cargo says when something is built.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    executable: Option<PathBuf>,
    #[serde(default)]
    filenames: Vec<PathBuf>,
    #[serde(default)]
    target: Option<MessageTarget>,
    #[serde(default)]
    profile: Option<Profile>,
}

#[derive(Deserialize)]
struct MessageTarget {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

impl Message {
    fn add_to(self, built: &mut Built) {
        let (true, Some(target)) = (self.reason == "compiler-artifact", self.target) else {
            return;
        };
        if target.kind.iter().any(|kind| matches!(kind.as_str(), "custom-build" | "proc-macro")) {
            return;
        }
        let has_extension =
            |path: &PathBuf, wanted: &str| path.extension().is_some_and(|found| found == wanted);
        built
            .libraries
            .extend(self.filenames.iter().filter(|path| has_extension(path, "rlib")).cloned());
        let shared = self.filenames.iter().find(|path| {
            target.kind.iter().any(|kind| kind == "cdylib") && has_extension(path, "so")
        });
        if let Some(path) = self.executable.as_ref().or(shared) {
            let kind = match &self.profile {
                Some(Profile { test: true }) if !target.kind.contains(&"test".to_owned()) => {
                    "unit tests"
                }
                _ => target.kind.first().map_or("bin", String::as_str),
            };
            built.linked.push(Linked {
                name: format!("{} ({kind})", target.name),
                objects: objects_of(path),
                path: path.clone(),
            });
        }
    }
}

/// The object files that the wrapper kept of a program: beside the file that the program is a
/// second name of.
fn objects_of(program: &Path) -> Vec<PathBuf> {
    let Some(folder) = program.parent() else { return Vec::new() };
    let identity = |path: &Path| {
        let data = std::fs::metadata(path).ok()?;
        Some((data.dev(), data.ino()))
    };
    let Some(wanted) = identity(program) else { return Vec::new() };
    let mut stems = BTreeSet::new();
    for folder in [folder.to_owned(), folder.join("deps")] {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if identity(&path) == Some(wanted) {
                if let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()) {
                    let is_shared = path.extension().is_some_and(|end| end == "so");
                    let plain = stem.strip_prefix("lib").filter(|_| is_shared);
                    let stem = plain.unwrap_or(stem);
                    stems.insert((folder.clone(), stem.to_owned()));
                }
            }
        }
    }
    stems.iter().flat_map(|(folder, stem)| wrapper::objects(folder, stem)).collect()
}
