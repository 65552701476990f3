//! What of the object files and libraries of a build cannot be read: told, and a failure of a strict run only.

mod support;

use std::fs;

use serde_json::Value;
use support::{MARKED, Project, stderr, stdout};

/// Of a library that takes something from C that is no object file.
const BUILD_WITH_NOISE: &str = r#"
fn main() {
    let out = std::env::var("OUT_DIR").unwrap();
    std::fs::write(format!("{out}/noise.o"), "no object file").unwrap();
    let mut ar = std::process::Command::new("ar");
    ar.args(["rc", "libnoise.a", "noise.o"]).current_dir(&out);
    assert!(ar.status().unwrap().success());
    println!("cargo:rustc-link-search=native={out}");
    println!("cargo:rustc-link-lib=static=noise");
}
"#;

#[test]
fn what_cannot_be_read_of_a_library_is_told_and_fails_only_a_strict_run() {
    let library = MARKED.replace("std::process::exit(code)", "std::hint::black_box(code);");
    let project = Project::new(&[
        ("build.rs", BUILD_WITH_NOISE),
        ("src/lib.rs", &library),
        ("src/main.rs", "fn main() { sample::root(1); }"),
    ]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("warning[unreadable]: 1 part of this file cannot be read"), "{told}");
    assert!(told.contains("libsample") && told.contains("note: `noise.o`: "), "{told}");
    assert!(told.contains("1 annotated function in 1 program: 1 proven"), "{told}");

    let output = project.verify(&["--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("error[unreadable]"));
    let report: Value = serde_json::from_slice(&project.verify(&["--format", "json"]).stdout)
        .expect("one JSON object");
    assert_eq!(report["unreadable"][0]["parts"][0]["member"], "noise.o", "{report:#}");
    for format in ["github", "sarif", "html"] {
        let told = stdout(&project.verify(&["--format", format]));
        assert!(told.contains("`noise.o`: "), "{format}: {told}");
    }
}

/// For `lto = "fat"`, libraries hold LLVM bitcode alone. Of that which is linked, the program tells the rest.
#[test]
fn a_function_in_bitcode_that_is_in_no_program_is_told() {
    let main = "fn main() { sample::root(std::hint::black_box(1)); }";
    let project = Project::new(&[
        ("src/lib.rs", MARKED),
        ("src/main.rs", main),
        ("apart/src/lib.rs", MARKED),
        ("apart/Cargo.toml", "[package]\nname = \"apart\"\nedition = \"2024\"\n"),
    ]);
    let manifest = fs::read_to_string(project.folder().join("Cargo.toml")).expect("text");
    let more = "[dependencies]\napart.path = \"apart\"\n[profile.release]\nlto = \"fat\"\n";
    project.write("Cargo.toml", &format!("{manifest}{more}"));
    let told = stdout(&project.verify(&["--release"]));
    assert!(told.contains("`apart::root` is in LLVM bitcode, and in no program"), "{told}");
    assert!(told.contains("`sample::root` reaches `std::process::exit`"), "{told}");
    assert_eq!(told.matches("warning[unreadable]").count(), 1, "{told}");
}
