//! The output of `--format sarif` beside the schema of its standard, which a package of the registry carries.

mod support;

use std::fs;

use boon::{Compiler, Schemas};
use serde_json::Value;
use support::{MARKED, Project, backstop, fixture, main_that, stderr, target, unpacked};

const SCHEMA: &str = "sarif-schema-2.1.0.json";

/// A function of no program, beside the one that exits.
fn two_functions() -> String {
    let unused =
        MARKED.replace("pub fn root", "pub fn unused").replace("\\nroot\\n", "\\nunused\\n");
    format!("{}\n{unused}", main_that(true))
}

fn log(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", stderr(output)))
}

#[test]
fn what_is_written_is_valid_by_the_schema_of_the_standard() {
    let Some(package) = unpacked("serde-sarif", "0.8.0") else { return };
    let schema = fs::read(package.join("src/schema.json")).expect("the schema");
    let schema: Value = serde_json::from_slice(&schema).expect("it is JSON");
    assert!(schema["description"].as_str().is_some_and(|text| text.contains("2.1.0")));
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.enable_format_assertions();
    compiler.add_resource(SCHEMA, schema).expect("a schema");
    let schema = compiler.compile(SCHEMA, &mut schemas).expect("a schema");
    let check = |log: &Value| schemas.validate(log, schema).map_err(|error| format!("{error:#}"));

    // One of everything: a violation with its way, a conditional one, one that is not linked, an entry
    // of no use.
    let many = ["verify", "--quiet", "--format", "sarif", "--release", "--bin", "reaching"];
    let output = backstop(&fixture("programs"), &target("programs")).args(many).output();
    let of_many = log(&output.expect("it runs"));
    let project = Project::new(&[
        ("src/main.rs", &two_functions()),
        ("backstop.toml", "[[assume]]\npoison = \"nobody\"\nreason = \"to be told\"\n"),
    ]);
    let of_few = log(&project.verify(&["--release", "--format", "sarif"]));
    let none = Project::new(&[("src/main.rs", "fn main() {}")]);
    let of_none = log(&none.verify(&["--format", "sarif"]));
    let results = |log: &Value| log["runs"][0]["results"].as_array().map_or(0, Vec::len);
    assert!(results(&of_many) > 30, "{of_many:#}");
    assert!(results(&of_few) >= 2, "{of_few:#}");
    assert_eq!(results(&of_none), 0);
    for log in [&of_many, &of_few, &of_none] {
        if let Err(error) = check(log) {
            panic!("{error}");
        }
    }

    // It is the schema that says so.
    for (pointer, wrong) in [
        ("/version", "2.2.0"),
        ("/runs/0/results/0/level", "fatal"),
        ("/runs/0/tool/driver/name", ""),
    ] {
        let mut log = of_many.clone();
        let value = log.pointer_mut(pointer).expect("it is there");
        *value = if wrong.is_empty() { Value::Null } else { wrong.into() };
        assert!(check(&log).is_err(), "{pointer}");
    }
}
