//! Runs the built `cargo-backstop` on the workspaces under `tests/fixtures`.
#![allow(dead_code)]

pub(crate) mod many;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Where fixtures are built: kept from run to run, apart from their sources.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// `cargo backstop` as cargo runs it.
pub(crate) fn backstop(folder: &Path, target: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-backstop"));
    command.arg("backstop").current_dir(folder).env("CARGO_TARGET_DIR", target);
    // What the outer build was asked for is not for the inner one.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_BUILD_TARGET"]
    {
        command.env_remove(variable);
    }
    command
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// `verify --format json` and its exit status.
pub(crate) fn verify(folder: &Path, target: &Path, arguments: &[&str]) -> (Value, i32) {
    let output = backstop(folder, target)
        .args(["verify", "--quiet", "--format", "json"])
        .args(arguments)
        .output()
        .expect("cargo-backstop runs");
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(&output)));
    (report, output.status.code().expect("an exit status"))
}

/// The folder of a package of the registry, as cargo unpacks it. Where cargo cannot get it, that is said.
pub(crate) fn unpacked(package: &str, version: &str) -> Option<PathBuf> {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["info", "--quiet", &format!("{package}@{version}")])
        .current_dir(folder.path())
        .output()
        .expect("cargo runs");
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry/src")).into_iter().flatten().flatten();
    let name = format!("{package}-{version}");
    let found = registries.map(|registry| registry.path().join(&name)).find(|path| path.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: cargo cannot get {package} {version}: {}", stderr(&output));
    }
    found
}

/// The functions of the program of that name: their paths and verdicts.
pub(crate) fn verdicts(report: &Value, program: &str) -> Vec<(String, String)> {
    let programs = report["programs"].as_array().expect("programs");
    let found = programs
        .iter()
        .find(|found| found["name"].as_str().is_some_and(|name| name.starts_with(program)))
        .unwrap_or_else(|| panic!("no program {program}"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let functions = found["functions"].as_array().expect("functions");
    functions.iter().map(|one| (text(&one["function"]), text(&one["verdict"]))).collect()
}

/// A project of one package in a folder of its own, with files by their paths.
pub(crate) struct Project(tempfile::TempDir);

impl Project {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let project = Self(folder);
        let manifest =
            "[package]\nname = \"sample\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
        project.write("Cargo.toml", manifest);
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder is made");
        std::fs::write(path, text).expect("a file is written");
    }

    pub(crate) fn command(&self) -> Command {
        backstop(self.folder(), &self.folder().join("target"))
    }

    pub(crate) fn verify(&self, arguments: &[&str]) -> Output {
        self.command().arg("verify").args(arguments).output().expect("cargo-backstop runs")
    }
}

/// A marked function by hand, as the macros would mark it: no build of the macros is needed.
pub(crate) const MARKED: &str = r#"
#[inline(never)]
pub fn root(code: i32) {
    const TEXT: &[u8] = b"backstop-mark 1\nno_exit\n\nsync\nroot\nsample\nsrc/main.rs\n3\n8\n";
    #[used]
    static __BACKSTOP_MARK: [u8; TEXT.len()] = match TEXT.first_chunk() {
        Some(text) => *text,
        None => [0; TEXT.len()],
    };
    std::hint::black_box(&__BACKSTOP_MARK);
    if code > 9000 {
        std::process::exit(code);
    }
}
"#;

pub(crate) fn main_that(calls: bool) -> String {
    let call = if calls { "root(std::hint::black_box(1));" } else { "" };
    format!("#![allow(dead_code)]{MARKED}\nfn main() {{ {call} }}\n")
}

/// The data that a function of this name, written in assembly, refers to as `mark_of_NAME` to be marked.
pub(crate) fn mark_in_assembly(name: &str) -> String {
    format!(
        ".globl __BACKSTOP_MARK_{name}\n.type __BACKSTOP_MARK_{name}, @object\n\
         __BACKSTOP_MARK_{name}:\nmark_of_{name}:\n\
         .ascii \"backstop-mark 1\\nno_exit\\n\\nsync\\n{name}\\nassembly\\nassembly.s\\n1\\n1\\n\"\n\
         .size __BACKSTOP_MARK_{name}, . - __BACKSTOP_MARK_{name}\n"
    )
}
