//! The examples of this very workspace, whose annotated functions are to be what they say. (`survive` ends
//! itself in every way there is: that is what it is for.)

mod support;

use std::path::Path;

use serde_json::Value;
use support::{target, verify};

#[test]
fn no_annotated_function_of_the_examples_reaches_a_sink() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let examples = ["--example", "quickstart", "--example", "gzip_dir"];
    let arguments = [&["-p", "backstop-examples", "--release"][..], &examples].concat();
    let (report, status) = verify(root, &target("own"), &arguments);
    assert_eq!(status, 0, "{report:#}");
    let programs = report["programs"].as_array().expect("programs");
    let functions = programs.iter().filter_map(|program| program["functions"].as_array()).flatten();
    let verdicts: Vec<_> = functions.map(|function| &function["verdict"]).collect();
    // Those of `survive` are in the same library, and in none of these programs.
    let not_linked = report["not_linked"].as_array().expect("a list");
    let of_survive = |one: &&Value| {
        one["function"]
            .as_str()
            .is_some_and(|name| name.starts_with("backstop_examples::survive::"))
    };
    assert_eq!(not_linked.iter().filter(of_survive).count(), 11, "{report:#}");
    let linked: Vec<_> = verdicts.into_iter().filter(|verdict| *verdict != "not linked").collect();
    assert!(linked.len() >= 5 && linked.iter().all(|verdict| *verdict == "proven"), "{report:#}");
}
