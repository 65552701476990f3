//! The examples of this very workspace, whose annotated functions are to be what they say. (`survive` ends
//! itself in every way there is: that is what it is for.)

mod support;

use std::path::Path;

use support::{target, verify};

#[test]
fn no_annotated_function_of_the_examples_reaches_a_sink() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let examples = ["--example", "quickstart", "--example", "gzip_dir"];
    let arguments = [["-p", "backstop-examples", "--release", "--strict"], examples].concat();
    let (report, status) = verify(root, &target("own"), &arguments);
    assert_eq!(status, 0, "{report:#}");
    let programs = report["programs"].as_array().expect("programs");
    let functions: usize =
        programs.iter().map(|program| program["functions"].as_array().map_or(0, Vec::len)).sum();
    assert!(functions >= 5, "{functions}");
}
