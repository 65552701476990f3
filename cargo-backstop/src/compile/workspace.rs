//! What cargo knows of the workspace and of what it depends on.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{
    DependencyKind, Metadata, MetadataCommand, Node, Package, PackageId, TargetKind,
};

use super::Error;

/// A workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Its folder.
    pub root: PathBuf,
    metadata: Metadata,
}

/// A target of a package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// The package.
    pub package: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The file that the target begins with.
    pub file: PathBuf,
    /// It is of a package that the workspace depends on.
    pub dependency: bool,
}

/// Asks cargo about the workspace, and if so wanted about its dependencies, which cargo may have to
/// download for it.
///
/// # Errors
///
/// Where cargo cannot be run or cannot read it.
pub fn workspace(manifest: Option<&Path>, dependencies: bool) -> Result<Workspace, Error> {
    let mut command = MetadataCommand::new();
    if let Some(manifest) = manifest {
        command.manifest_path(manifest);
    }
    if dependencies {
        let host = host().map(|host| ["--filter-platform".to_owned(), host]);
        command.other_options(host.map(Vec::from).unwrap_or_default());
    } else {
        command.no_deps();
    }
    let metadata = command.exec().map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => Error::Workspace(stderr),
        cargo_metadata::Error::Io(error) => Error::Cargo(error),
        error => Error::Workspace(error.to_string()),
    })?;
    Ok(Workspace { root: metadata.workspace_root.clone().into(), metadata })
}

/// The folder of the workspace that the current folder is in, by the file that every build leaves there.
#[must_use]
pub fn root_around() -> Option<PathBuf> {
    let current = std::env::current_dir().ok()?;
    current.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).map(Path::to_owned)
}

/// The machine that this is: what depends on others is no part of its programs.
fn host() -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).args(["--print", "host-tuple"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

impl Workspace {
    /// Where cargo builds.
    #[must_use]
    pub fn target_directory(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// The names of the crates of the workspace, as they stand in paths.
    #[must_use]
    pub fn crates(&self) -> BTreeSet<String> {
        let packages = self.metadata.workspace_packages();
        let targets = packages.iter().flat_map(|package| &package.targets);
        targets.map(|target| target.name.replace('-', "_")).collect()
    }

    /// The targets that are there to be used, no build scripts and no tests: of the packages of the
    /// workspace, and where cargo was asked for them, the libraries of those that they depend on.
    #[must_use]
    pub fn roots(&self) -> Vec<Root> {
        let members = self.metadata.workspace_packages();
        let mut roots: Vec<Root> = members.iter().flat_map(|package| self.of(package)).collect();
        let reached = self.dependencies();
        let others = self.metadata.packages.iter().filter(|package| reached.contains(&package.id));
        for package in others {
            let library = self.of(package).filter(|root| is_library(package, root));
            roots.extend(library.map(|root| Root { dependency: true, ..root }));
        }
        roots.sort();
        roots
    }

    fn of<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = Root> + 'a {
        let other = [TargetKind::CustomBuild, TargetKind::Test, TargetKind::Bench];
        let folder =
            package.manifest_path.parent().map_or(self.root.as_path(), |path| path.as_std_path());
        let targets = package.targets.iter();
        targets.filter(move |target| !target.kind.iter().any(|kind| other.contains(kind))).map(
            move |target| Root {
                package: package.name.to_string(),
                folder: folder.to_owned(),
                file: target.src_path.clone().into(),
                dependency: false,
            },
        )
    }

    /// The packages that become part of a program: neither for tests nor for the build alone.
    fn dependencies(&self) -> BTreeSet<&PackageId> {
        let members = &self.metadata.workspace_members;
        let nodes: &[Node] = self.metadata.resolve.as_ref().map_or(&[], |resolve| &resolve.nodes);
        let mut reached = BTreeSet::new();
        let mut left: Vec<&PackageId> = members.iter().collect();
        while let Some(package) = left.pop() {
            let Some(node) = nodes.iter().find(|node| node.id == *package) else { continue };
            for dependency in &node.deps {
                let mut kinds = dependency.dep_kinds.iter();
                let is_part = kinds.any(|of| of.kind == DependencyKind::Normal)
                    && !members.contains(&dependency.pkg)
                    && !self.is_macro(&dependency.pkg);
                if is_part && reached.insert(&dependency.pkg) {
                    left.push(&dependency.pkg);
                }
            }
        }
        reached
    }

    /// Whether a package only works during the build.
    fn is_macro(&self, id: &PackageId) -> bool {
        let mut targets = self.metadata[id].targets.iter();
        targets.any(|target| target.kind.contains(&TargetKind::ProcMacro))
    }

    pub(super) fn has_program(&self) -> bool {
        [TargetKind::Bin, TargetKind::Example, TargetKind::CDyLib]
            .iter()
            .any(|kind| self.has_kind(kind))
    }

    pub(super) fn has_kind(&self, wanted: &TargetKind) -> bool {
        let packages = self.metadata.workspace_packages();
        packages
            .iter()
            .flat_map(|package| &package.targets)
            .any(|target| target.kind.contains(wanted))
    }
}

fn is_library(package: &Package, root: &Root) -> bool {
    let library = package.targets.iter().find(|target| {
        let kinds = [TargetKind::Lib, TargetKind::RLib, TargetKind::DyLib];
        target.kind.iter().any(|kind| kinds.contains(kind))
    });
    library.is_some_and(|target| target.src_path.as_std_path() == root.file)
}
