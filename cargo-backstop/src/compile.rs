//! Builds the workspace, with what the proof needs, into a folder of its own.

mod workspace;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::{Artifact, Message, TargetKind};
pub use workspace::{Root, Workspace, root_around, workspace};

use crate::wrapper;

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Cargo could not be run.
    #[error("cannot run cargo: {0}")]
    Cargo(io::Error),
    /// Cargo could not read the workspace: its own words.
    #[error("cargo cannot read the workspace\n{0}")]
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

/// Builds a selection of the workspace.
///
/// # Errors
///
/// Where the build fails, or gives nothing that is linked.
pub fn build(workspace: &Workspace, selection: &Selection) -> Result<Built, Error> {
    let folder = folder(workspace);
    prepare(&folder)?;
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
        if workspace.has_kind(&TargetKind::CDyLib) {
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
    let mut built = run(workspace, &mut command)?;
    if built.linked.is_empty() {
        return Err(Error::NoProgram);
    }
    built.linked.sort_by(|a, b| a.name.cmp(&b.name).then(a.path.cmp(&b.path)));
    built.linked.dedup();
    Ok(built)
}

/// Builds the program of a package that stands alone, with the same compiler and flags.
///
/// # Errors
///
/// As [`build`].
pub fn single(workspace: &Workspace, package: &Path) -> Result<PathBuf, Error> {
    let mut command = cargo();
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
    command.arg("--manifest-path").arg(package.join("Cargo.toml"));
    command.arg("--target-dir").arg(package.join("target"));
    let built = run(workspace, &mut command)?;
    built.linked.into_iter().next().map(|linked| linked.path).ok_or(Error::NoProgram)
}

/// Where everything is built, apart from the user's own.
#[must_use]
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target_directory().join("backstop")
}

/// Runs a build with this program in the place of rustc: what was made.
fn run(workspace: &Workspace, command: &mut Command) -> Result<Built, Error> {
    let this = std::env::current_exe().map_err(Error::Cargo)?;
    command
        .env("RUSTC_WRAPPER", this)
        .env(wrapper::VARIABLE, "1")
        .env(wrapper::MARK, "1")
        .env(wrapper::CHAIN, users_wrapper(&workspace.root).unwrap_or_default())
        .stdout(Stdio::piped());
    let mut child = command.spawn().map_err(Error::Cargo)?;
    let mut built = Built::default();
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            if let Message::CompilerArtifact(artifact) = message.map_err(Error::Cargo)? {
                add(&mut built, artifact);
            }
        }
    }
    if child.wait().map_err(Error::Cargo)?.success() { Ok(built) } else { Err(Error::Build) }
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

fn add(built: &mut Built, artifact: Artifact) {
    let Artifact { target, profile, filenames, executable, .. } = artifact;
    let is = |wanted: &TargetKind| target.kind.contains(wanted);
    if is(&TargetKind::CustomBuild) || is(&TargetKind::ProcMacro) {
        return;
    }
    let of_kind = |wanted: &'static str| {
        filenames.iter().filter(move |path| path.extension() == Some(wanted))
    };
    built.libraries.extend(of_kind("rlib").map(PathBuf::from));
    let shared = of_kind("so").next().filter(|_| is(&TargetKind::CDyLib));
    let Some(path) = executable.as_ref().or(shared).map(PathBuf::from) else { return };
    let kind = match target.kind.first() {
        _ if profile.test && !is(&TargetKind::Test) => "unit tests".to_owned(),
        kind => kind.map_or_else(|| "bin".to_owned(), ToString::to_string),
    };
    let name = format!("{} ({kind})", target.name);
    built.linked.push(Linked { name, objects: objects_of(&path), path });
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
