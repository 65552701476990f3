//! What `cargo backstop verify` says and how it ends, on projects of every kind.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::{MARKED, Project, backstop, main_that, stderr, stdout};

#[test]
fn a_program_without_annotated_functions_passes_with_a_hint() {
    let project = Project::new(&[("src/main.rs", "fn main() {}")]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("no annotated function in 1 program"));
    assert!(stdout(&output).contains("#[no_exit]"));
}

#[test]
fn a_violation_is_status_1_and_tells_place_reason_and_remedy() {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let told = stdout(&output);
    for part in [
        "error[violated]: `sample::root` reaches `std::process::exit`, which ends the process",
        "--> src/main.rs:3:8",
        "pub fn root(code: i32) {",
        "^^^^",
        "1. `sample::root` calls `std::process::exit`",
        "at src/main.rs:12:9",
        "`#[no_exit]` forbids it",
        "help: return an error",
        "1 annotated function in 1 program: 1 violated",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "no colours where nobody sees them");
    // The user's own cache is left alone.
    let entries = fs::read_dir(project.folder().join("target")).expect("a folder");
    let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["backstop"]);
}

#[test]
fn a_function_that_is_not_linked_fails_only_a_strict_run() {
    let project = Project::new(&[("src/main.rs", &main_that(false))]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("warning[not-linked]: `sample::root` is in no program"));
    let output = project.verify(&["--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("error[not-linked]"));
}

#[test]
fn a_function_that_is_gone_is_not_told_to_be_not_linked() {
    let project = Project::new(&[("src/main.rs", &main_that(false))]);
    assert!(stdout(&project.verify(&[])).contains("1 not linked"));
    project.write("src/main.rs", "fn main() {}");
    assert!(stdout(&project.verify(&[])).contains("no annotated function"));
}

#[test]
fn a_library_is_looked_at_through_its_tests() {
    let library = format!("{MARKED}\n#[test]\nfn it_returns() {{ root(1); }}\n");
    let project = Project::new(&[("src/lib.rs", &library)]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("`sample::root` reaches `std::process::exit`"));
    assert!(stdout(&output).contains("sample (unit tests)"));
}

#[test]
fn a_failed_build_is_status_2_in_the_words_of_the_compiler() {
    let project = Project::new(&[("src/main.rs", "fn main() { nothing_of_that_name() }")]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot find function `nothing_of_that_name`"));
    assert!(stderr(&output).contains("error: the build failed"));
}

#[test]
fn a_build_script_that_fails_is_status_2() {
    let project = Project::new(&[
        ("src/main.rs", "fn main() {}"),
        ("build.rs", "fn main() { panic!(\"no luck today\") }"),
    ]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no luck today"));
}

#[test]
fn no_workspace_is_status_2() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = backstop(folder.path(), folder.path());
    let output = command.arg("verify").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cargo cannot read the workspace"));
}

#[test]
fn a_wrong_option_is_status_2() {
    let project = Project::new(&[("src/main.rs", "fn main() {}")]);
    let output = project.verify(&["--formats", "json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--format"));
}

#[test]
fn files_that_are_no_programs_are_status_2_with_the_reason() {
    let project =
        Project::new(&[("noise", "not a program at all"), ("windows.exe", "MZ and so on")]);
    let output = project.verify(&["--program", "noise"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot verify `noise`: this is no program"));
    let output = project.verify(&["--program", "windows.exe"]);
    assert!(stderr(&output).contains("a PE (Windows) file is not supported yet"));
    let output = project.verify(&["--program", "absent"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot read `absent`"));
}

#[test]
fn a_program_without_symbols_or_relocations_is_told_apart() {
    let project = Project::new(&[("src/main.rs", "fn main() {}")]);
    let rustc = |strip: &str, output: &str| {
        let status = Command::new("rustc")
            .args(["--edition=2024", "src/main.rs", &format!("-Cstrip={strip}"), "-o", output])
            .current_dir(project.folder())
            .status()
            .expect("rustc runs");
        assert!(status.success());
    };
    rustc("symbols", "stripped");
    let output = project.verify(&["--program", "stripped"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("the program is stripped"));
    rustc("none", "plain");
    let output = project.verify(&["--program", "plain"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("without `--emit-relocs`"));
}

#[test]
fn the_users_own_wrapper_and_flags_stay() {
    let project = Project::new(&[
        (
            "src/main.rs",
            &format!(
                "#[cfg(not(from_config))]\ncompile_error!(\"flag lost\");\n{}",
                main_that(true).replacen("#![allow(dead_code)]", "", 1)
            ),
        ),
        (
            ".cargo/config.toml",
            "[build]\nrustflags = [\"--cfg\", \"from_config\"]\nrustc-wrapper = \"./wrap.sh\"\n",
        ),
        ("wrap.sh", "#!/bin/sh\necho \"$@\" >> \"$WRAP_LOG\"\nexec \"$@\"\n"),
    ]);
    let script = project.folder().join("wrap.sh");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("it may run");
    let log = project.folder().join("log");
    let output =
        project.command().args(["verify"]).env("WRAP_LOG", &log).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let log = fs::read_to_string(log).expect("the wrapper ran");
    assert!(log.contains("--crate-name sample") && log.contains("--emit-relocs"), "{log}");
}

#[test]
fn a_shared_library_is_verified_by_what_it_exports() {
    let library = format!(
        "{MARKED}\n#[unsafe(no_mangle)]\npub extern \"C\" fn entry(code: i32) {{ root(code) }}\n"
    );
    let project = Project::new(&[("src/lib.rs", &library)]);
    let manifest = fs::read_to_string(project.folder().join("Cargo.toml")).expect("a manifest");
    project.write("Cargo.toml", &format!("{manifest}\n[lib]\ncrate-type = [\"cdylib\"]\n"));
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stdout(&output).contains("sample (cdylib)"));
}

#[test]
fn help_tells_the_exit_statuses() {
    let project = Project::new(&[]);
    let output = project.command().arg("--help").output().expect("it runs");
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("Exit status"));
}

/// The marked function calls through a pointer; somewhere else, one is made of a function that exits.
const POISONED: &str = r#"
mod policy {
    #[inline(never)]
    pub fn stops(code: i32) -> i32 { if code > 9000 { std::process::exit(code) } code }
    #[inline(never)]
    pub fn adds(code: i32) -> i32 { code + 1 }
}
#[inline(never)]
pub fn root(call: fn(i32) -> i32) -> i32 {
    const TEXT: &[u8] = b"backstop-mark 1\nno_exit\n\nsync\nroot\nsample\nsrc/main.rs\n9\n8\n";
    #[used]
    static __BACKSTOP_MARK: [u8; TEXT.len()] = match TEXT.first_chunk() {
        Some(text) => *text,
        None => [0; TEXT.len()],
    };
    std::hint::black_box(&__BACKSTOP_MARK);
    call(std::hint::black_box(1)) + 1
}
fn main() {
    let calls: [fn(i32) -> i32; 2] = std::hint::black_box([policy::stops, policy::adds]);
    std::hint::black_box(root(calls[1]));
}
"#;

const ASSUMED: &str =
    "[[assume]]\npoison = \"sample::policy::stops\"\nreason = \"never handed to root\"\n";

#[test]
fn a_poison_is_named_and_can_be_assumed_away_with_a_reason() {
    let project = Project::new(&[("src/main.rs", POISONED)]);
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = stdout(&output);
    assert!(told.contains("warning[conditional]: `sample::root`"), "{told}");
    assert!(told.contains("poison: `sample::policy::stops`, which reaches `std::process::exit`"));
    assert_eq!(project.verify(&["--release", "--strict"]).status.code(), Some(1));
    project.write("backstop.toml", ASSUMED);
    let output = project.verify(&["--release", "--strict"]);
    let told = stdout(&output);
    assert!(told.contains("1 proven") && output.status.code() == Some(0), "{told}");
    assert!(
        told.contains("assumed by the policy: not `sample::policy::stops` (never handed to root)")
    );
}

#[test]
fn an_assumption_of_no_use_is_told() {
    let project = Project::new(&[("src/main.rs", "fn main() {}"), ("backstop.toml", ASSUMED)]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("warning[unused-assume]: `sample::policy::stops`"));
    assert!(stdout(&output).contains("--> backstop.toml:1"));
    assert_eq!(project.verify(&["--strict"]).status.code(), Some(1));
}

#[test]
fn an_assumption_can_be_turned_off() {
    let allocates = main_that(true)
        .replace("std::process::exit(code);", "drop(std::hint::black_box(vec![code]));");
    let project = Project::new(&[("src/main.rs", &allocates)]);
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("assumed, alloc_error: memory does not run out"));
    project.write("backstop.toml", "not-assumed = [\"alloc_error\"]\n");
    let output = project.verify(&["--release"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).contains("reaches `alloc::alloc::handle_alloc_error`"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn a_wrong_policy_is_status_2_with_its_place() {
    let project =
        Project::new(&[("src/main.rs", "fn main() {}"), ("backstop.toml", "\nstrikt = 1\n")]);
    let output = project.verify(&[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("backstop.toml:2:1: unknown field `strikt`"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_main_that_exits_is_nobodys_pointer() {
    let source = POISONED
        .replace("[policy::stops, policy::adds]", "[policy::adds, policy::adds]")
        .replace("std::hint::black_box(root", "policy::stops(2); std::hint::black_box(root");
    let project = Project::new(&[("src/main.rs", &source)]);
    let output = project.verify(&["--release", "--strict"]);
    assert!(stdout(&output).contains("1 proven"), "{}", stdout(&output));
}

fn told_as(format: &str) -> String {
    let project = Project::new(&[("src/main.rs", &main_that(true))]);
    let output = project.verify(&["--release", "--format", format]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stdout(&output)
}

#[test]
fn sarif_names_the_rule_the_place_and_the_way() {
    let log: serde_json::Value = serde_json::from_str(&told_as("sarif")).expect("it is JSON");
    assert_eq!(log["version"], "2.1.0");
    let result = &log["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "process_exit");
    assert_eq!(result["level"], "error");
    assert_eq!(log["runs"][0]["tool"]["driver"]["rules"][0]["id"], "process_exit");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/main.rs");
    assert_eq!(place["region"]["startLine"], 3);
    let flow = &result["codeFlows"][0]["threadFlows"][0]["locations"][0]["location"];
    assert_eq!(flow["physicalLocation"]["region"]["startLine"], 12);
}

#[test]
fn github_gets_an_annotation_on_the_line() {
    let told = told_as("github");
    assert!(
        told.starts_with("::error file=src/main.rs,line=3,col=8,title=backstop%3A process_exit::"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1);
}

#[test]
fn dot_draws_the_way() {
    let told = told_as("dot");
    assert!(told.contains("\"sample::root\" -> \"std::process::exit\" [style=solid];"), "{told}");
}

#[test]
fn html_is_one_page_without_anything_from_elsewhere() {
    let told = told_as("html");
    assert!(told.contains("<code>sample::root</code>") && told.contains("std::process::exit"));
    for elsewhere in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!told.contains(elsewhere), "{elsewhere}");
    }
}

const SITES: &str = "mod deep;
use std::process::exit as quit;
fn stop() { if std::env::args().count() > 9000 { quit(3) } }
fn forgets(text: String) {
    fn inner(text: String) { std::mem::forget(text) }
    inner(text);
}
#[cfg(test)]
mod tests { fn not_looked_at() { std::process::exit(1) } }
fn main() { stop(); forgets(String::new()); deep::leave(); }
";
const DEEP: &str =
    "pub fn leave() { if std::env::args().count() > 9001 { std::process::abort() } }\n";

#[test]
fn audit_lists_sites_of_sources_and_program_by_crate_and_rule() {
    let project = Project::new(&[("src/main.rs", SITES), ("src/deep.rs", DEEP)]);
    let output = project.command().args(["audit", "-v", "--release"]).output().expect("it runs");
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for part in [
        "in the sources:",
        "src/main.rs:3:50 quit",
        "src/main.rs:5:30 std::mem::forget",
        "src/deep.rs:1:55 std::process::abort",
        "in sample (bin):",
        "-> std::process::exit",
        "-> std::process::abort",
        "2 source files",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert!(!told.contains("src/main.rs:9"), "{told}");
}

#[test]
fn audit_looks_at_the_sources_of_dependencies_when_asked_to() {
    let manifest = |name: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
    };
    let of_dependency = "pub fn go(text: String) { std::mem::forget(text) }\n";
    let project = Project::new(&[
        ("src/main.rs", "fn main() { dep::go(String::new()) }"),
        ("dep/Cargo.toml", &manifest("dep")),
        ("dep/src/lib.rs", of_dependency),
        ("dev/Cargo.toml", &manifest("dev")),
        ("dev/src/lib.rs", of_dependency),
    ]);
    project.write(
        "Cargo.toml",
        &format!(
            "{}[dependencies]\ndep = {{ path = \"dep\" }}\n[dev-dependencies]\ndev = {{ path = \"dev\" }}\n\
             [workspace]\nexclude = [\"dep\", \"dev\"]\n",
            manifest("sample")
        ),
    );
    let audit = |more: &[&str]| {
        let mut command = project.command();
        let output = command.args(["audit", "--sources", "-v"]).args(more).output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert!(audit(&[]).contains("0 sites; 1 source files"));
    let told = audit(&["--dependencies"]);
    assert!(told.contains("in the sources of dependencies:"), "{told}");
    assert!(told.contains("dep/src/lib.rs:1:27 std::mem::forget"), "{told}");
    assert!(told.contains("1 site; 2 source files"), "{told}");
}

#[test]
fn audit_with_a_baseline_fails_on_what_is_new_only() {
    let project = Project::new(&[("src/main.rs", SITES), ("src/deep.rs", DEEP)]);
    let audit = |arguments: &[&str]| {
        let mut command = project.command();
        command.args(["audit", "--sources"]).args(arguments).output().expect("it runs")
    };
    assert_eq!(audit(&["--write-baseline", "known.json"]).status.code(), Some(0));
    // Moved down, and nothing more.
    project.write("src/deep.rs", &format!("\n\n{DEEP}"));
    let output = audit(&["--baseline", "known.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    project.write("src/deep.rs", &format!("{DEEP}pub fn more() {{ std::process::exit(1) }}\n"));
    let output = audit(&["--baseline", "known.json", "--format", "github"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).starts_with("::error file=src/deep.rs,line=2,"), "{}", stdout(&output));
    let output = audit(&["--baseline", "absent.json"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn explain_and_init_say_what_to_do() {
    let project = Project::new(&[("src/main.rs", "fn main() {}")]);
    let run = |arguments: &[&str]| project.command().args(arguments).output().expect("it runs");
    assert!(stdout(&run(&["explain", "process_exit"])).contains("Instead: return an error"));
    let output = run(&["explain", "proces_exit"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("did you mean `process_exit`"), "{}", stderr(&output));
    let output = run(&["init"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("cargo backstop verify --release --format github"));
    assert!(project.folder().join("backstop.toml").is_file());
    assert_eq!(run(&["init"]).status.code(), Some(2));
    assert_eq!(project.verify(&[]).status.code(), Some(0));
}
