//! Files of the workspace are told from its root, whichever way it was found.

mod support;

use std::os::unix::fs::symlink;
use std::process::Output;

use support::{Project, main_that, stderr, stdout};

fn check(output: &Output, root: &str, status: i32, parts: &[&str]) {
    let told = stdout(output) + &stderr(output);
    assert_eq!(output.status.code(), Some(status), "{told}");
    for part in parts {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert!(!told.contains(root), "{root} is in:\n{told}");
}

#[test]
fn files_of_the_workspace_are_told_from_its_root() {
    let project = Project::new(&[("src/main.rs", &main_that(true)), ("nested/file", "")]);
    let folder = project.folder().canonicalize().expect("a folder");
    let root = folder.to_str().expect("text");
    let way = ["--> src/main.rs:3:8", "at src/main.rs:12:9"];
    check(&project.verify(&["--quiet"]), root, 1, &way);

    // By a symbolic link, which the compiler does not see.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let link = elsewhere.path().join("link");
    symlink(&folder, &link).expect("a link");
    let manifest = link.join("Cargo.toml");
    let manifest = manifest.to_str().expect("text");
    let output = project.verify(&["--quiet", "--manifest-path", manifest]);
    check(&output, root, 1, &way);
    let linked = project.verify(&["--quiet", "--manifest-path", manifest, "--format", "json"]);
    check(&linked, root, 1, &["\"file\": \"src/main.rs\""]);

    // A program alone, from a folder below.
    let program = "../target/backstop/debug/sample";
    let mut command = project.command();
    command.current_dir(folder.join("nested")).args(["verify", "--program", program]);
    check(&command.output().expect("it runs"), root, 1, &way);
}

#[test]
fn files_that_cannot_be_used_are_told_from_the_root() {
    let project = Project::new(&[("src/main.rs", "mod broken;\nfn main() {}\n")]);
    let folder = project.folder().canonicalize().expect("a folder");
    let root = folder.to_str().expect("text");
    project.write("src/broken.rs", "fn {");
    let output = project.command().args(["audit", "--sources"]).output().expect("it runs");
    check(&output, root, 0, &["warning: not looked at: src/broken.rs: "]);
    let output = project.command().arg("init").output().expect("it runs");
    check(&output, root, 0, &["wrote backstop.toml\n"]);
    project.write("src/broken.rs", "");
    project.write("backstop.toml", "strikt = 1\n");
    check(&project.verify(&["--quiet"]), root, 2, &["error: backstop.toml:1:1: unknown field"]);
}
