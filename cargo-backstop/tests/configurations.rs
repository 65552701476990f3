//! Projects whose own configuration has a say in how they are built.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use support::{Project, main_that, stderr, stdout};

const VIOLATED: &str = "1 annotated function in 1 program: 1 violated";

/// A main file that does not compile without this `cfg`.
fn main_under(name: &str) -> String {
    let needs = format!("#[cfg(not({name}))]\ncompile_error!(\"flag lost\");\n");
    needs + &main_that(true).replacen("#![allow(dead_code)]", "", 1)
}

fn script(project: &Project, name: &str, text: &str) {
    project.write(name, text);
    let path = project.folder().join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it may run");
}

#[test]
fn flags_and_wrapper_of_the_environment_stay() {
    let project = Project::new(&[("src/main.rs", &main_under("from_environment"))]);
    script(&project, "wrap.sh", "#!/bin/sh\necho \"$@\" >> \"$WRAP_LOG\"\nexec \"$@\"\n");
    let log = project.folder().join("log");
    let output = project
        .command()
        .arg("verify")
        .env("RUSTFLAGS", "--cfg from_environment")
        .env("RUSTC_WRAPPER", project.folder().join("wrap.sh"))
        .env("WRAP_LOG", &log)
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains(VIOLATED), "{}", stdout(&output));
    let log = fs::read_to_string(log).expect("the wrapper ran");
    assert!(log.contains("--crate-name sample") && log.contains("--emit-relocs"), "{log}");
}

#[test]
fn a_linker_and_a_target_of_the_configuration_are_used() {
    let config = "[build]\ntarget = \"x86_64-unknown-linux-gnu\"\n\
                  [target.x86_64-unknown-linux-gnu]\nlinker = \"./own-cc.sh\"\n";
    let project =
        Project::new(&[("src/main.rs", &main_that(true)), (".cargo/config.toml", config)]);
    script(&project, "own-cc.sh", "#!/bin/sh\necho \"$@\" >> \"$LINK_LOG\"\nexec cc \"$@\"\n");
    let log = project.folder().join("log");
    let mut command = project.command();
    let output = command.arg("verify").env("LINK_LOG", &log).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains(VIOLATED), "{}", stdout(&output));
    let log = fs::read_to_string(log).expect("the linker ran");
    assert!(log.lines().any(|line| line.contains("--emit-relocs")), "{log}");
}

#[test]
fn a_linker_that_strips_is_told() {
    let config = "[build]\nrustflags = [\"-Clink-arg=-Wl,-s\"]\n";
    let project =
        Project::new(&[("src/main.rs", &main_that(true)), (".cargo/config.toml", config)]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let told = stderr(&output);
    assert!(told.contains("the program is stripped") || told.contains("--emit-relocs"), "{told}");
}

/// A program that is linked with its C library, and at a place that it finds out itself.
#[test]
fn a_program_for_musl_is_read_where_its_standard_library_is_installed() {
    let target = "x86_64-unknown-linux-musl";
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .expect("rustc runs");
    if !Path::new(stdout(&output).trim()).is_dir() {
        eprintln!("SKIPPED: the standard library for {target} is not installed");
        return;
    }
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let mut command = project.command();
    let output = command.arg("verify").env("CARGO_BUILD_TARGET", target).output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains(VIOLATED), "{}", stdout(&output));
}

/// All that a profile can do to a program for the smallest file.
#[test]
fn a_profile_with_everything_that_makes_programs_small_is_verified() {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let manifest = fs::read_to_string(project.folder().join("Cargo.toml")).expect("a manifest");
    let profile = "[profile.release]\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\n\
                   opt-level = \"z\"\nstrip = true\n";
    project.write("Cargo.toml", &(manifest + profile));
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains(VIOLATED), "{}", stdout(&output));
    assert!(stdout(&output).contains("src/main.rs:12:9"), "{}", stdout(&output));
}

#[test]
fn several_programs_are_told_apart() {
    let project = Project::new(&[
        ("src/bin/one.rs", &main_that(true)),
        ("src/bin/two.rs", &main_that(true).replace("code > 9000", "code > 9001")),
        ("examples/three.rs", "fn main() {}"),
    ]);
    let output = project.verify(&["--format", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let programs = report["programs"].as_array().expect("programs");
    let names: Vec<_> = programs.iter().filter_map(|program| program["name"].as_str()).collect();
    assert_eq!(names, ["one (bin)", "three (example)", "two (bin)"]);
    let counts = programs.iter().map(|program| program["functions"].as_array().map(Vec::len));
    assert_eq!(counts.collect::<Vec<_>>(), [Some(1), Some(0), Some(1)]);
    let output = project.verify(&["--bin", "two"]);
    assert!(stdout(&output).contains(VIOLATED), "{}", stdout(&output));
}

#[test]
fn colours_are_for_those_who_see_them_and_want_them() {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let run = |variables: &[(&str, &str)]| {
        let mut command = project.command();
        command.arg("verify").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
        command.envs(variables.iter().copied());
        stdout(&command.output().expect("it runs"))
    };
    assert!(!run(&[]).contains('\u{1b}'), "nobody sees them");
    assert!(run(&[("CLICOLOR_FORCE", "1")]).contains('\u{1b}'), "they were asked for");
    assert!(!run(&[("NO_COLOR", "1")]).contains('\u{1b}'));
}
