//! Every rule of the catalogue has a program that is refused and one that is accepted.
//!
//! No attribute looks for the pedantic rules yet. Their `fail/` programs therefore show that an
//! allow of them is of no use, and change on the day that one does.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use backstop_rules::RULES;

/// The names of the files in `folder` with that extension, without it.
fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the entry can be read").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}

fn rules() -> BTreeSet<String> {
    RULES.iter().map(|rule| rule.name.replace('_', "-")).collect()
}

#[test]
fn every_rule_has_a_program_that_is_refused() {
    assert_eq!(files("fail/rules", "rs"), rules());
    assert_eq!(files("fail/rules", "stderr"), rules());
}

#[test]
fn every_rule_has_a_program_that_is_accepted() {
    assert_eq!(files("pass/rules", "rs"), rules());
}

#[test]
fn every_refused_program_names_its_rule_or_its_reason() {
    for rule in RULES {
        let file = format!("fail/rules/{}.stderr", rule.name.replace('_', "-"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let refusal = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let expected = match rule.name {
            _ if rule.pedantic => "nothing here needs this allow",
            "diverging_call" => "this call never returns and is not known to unwind",
            _ => rule.reason,
        };
        assert!(refusal.contains(expected), "{file} does not say {expected:?}");
    }
}

#[test]
fn no_expectation_holds_a_path_of_this_machine() {
    let folders = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fail"))
        .expect("the programs are there");
    for folder in folders {
        let folder = folder.expect("the entry can be read").file_name();
        let folder = format!("fail/{}", folder.to_str().expect("a name of ours"));
        for name in files(&folder, "stderr") {
            let path =
                Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{folder}/{name}.stderr"));
            let text = fs::read_to_string(&path).expect("the expectation can be read");
            for line in text.lines() {
                let place = line.trim_start().trim_start_matches("--> ").trim_start_matches("::: ");
                assert!(!place.starts_with('/'), "{folder}/{name}.stderr: {line}");
                // std's source is there on some machines only, and then an excerpt of it is, too.
                assert!(!place.starts_with("$RUST"), "{folder}/{name}.stderr: {line}");
            }
        }
    }
}
