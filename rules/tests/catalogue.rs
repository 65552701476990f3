//! The rows keep the promises that the documents are generated from.

mod support;

use backstop_rules::{RULES, Scan, WARNINGS, rule, similar};
use std::collections::HashSet;
use support::{ALL, body, lines};

#[test]
fn every_row_is_complete_and_unique() {
    let mut names = HashSet::new();
    for rule in RULES {
        assert!(names.insert(rule.name), "{} stands twice", rule.name);
        for text in [rule.name, rule.reason, rule.remedy, rule.example, rule.instead] {
            assert!(!text.is_empty(), "{} has an empty column", rule.name);
        }
        for line in [rule.reason, rule.remedy] {
            assert!(!line.contains('\n') && !line.ends_with('.'), "{}: {line}", rule.name);
            let first = line.chars().next().unwrap_or(' ');
            assert!(first.is_lowercase() || first == '`', "{}: {line}", rule.name);
        }
        assert!(rule.paths.iter().all(|path| path.contains("::")), "{}", rule.name);
        let snake = rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        assert!(snake, "{} is not snake_case", rule.name);
        assert_eq!(backstop_rules::rule(rule.name).map(|rule| rule.name), Some(rule.name));
    }
    assert!(WARNINGS.iter().all(|name| rule(name).is_none()));
}

#[test]
fn every_example_is_found_by_its_own_rule_alone_and_its_remedy_is_not() {
    for rule in RULES {
        let scan = |code: &str| Scan::new(&[rule.group]).pedantic(rule.pedantic).block(&body(code));
        let found = scan(rule.example).findings;
        let names: Vec<_> = found.iter().map(|found| found.rule.name).collect();
        if rule.name == "diverging_call" {
            assert!(names.is_empty());
        } else {
            assert_eq!(names, [rule.name], "in {}", rule.example);
        }
        assert_eq!(lines(&scan(rule.instead)), [""; 0], "in {}", rule.instead);
    }
}

#[test]
fn pedantic_rules_are_found_on_request_only() {
    for rule in RULES.iter().filter(|rule| rule.pedantic) {
        assert!(Scan::new(ALL).block(&body(rule.example)).findings.is_empty(), "{}", rule.name);
    }
}

#[test]
fn every_path_of_every_row_is_found_in_full_and_by_import() {
    for rule in RULES {
        for path in rule.paths {
            let (module, last) = path.rsplit_once("::").expect("paths are qualified");
            for code in [
                format!("{path}(x);"),
                format!("::{path}(x);"),
                format!("use {path} as renamed; renamed(x);"),
                format!("use {module} as renamed; renamed::{last}(x);"),
                format!("f({path});"),
            ] {
                let report = Scan::new(&[rule.group]).pedantic(true).block(&body(&code));
                let names: Vec<_> = report.findings.iter().map(|found| found.rule.name).collect();
                assert_eq!(names, [rule.name], "in {code}");
            }
        }
    }
}

#[test]
fn near_names_come_nearest_first() {
    assert_eq!(similar("proces_exit").first(), Some(&"process_exit"));
    assert_eq!(similar("forget").first(), Some(&"mem_forget"));
    assert!(similar("exit").contains(&"process_exit"));
    assert_eq!(similar("panic_abrt").first(), Some(&"panic_abort"));
    assert!(similar("xyzzy").is_empty());
}

#[test]
fn groups_print_as_they_are_spelled_in_attributes() {
    let names: Vec<_> = ALL.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["exit", "forget", "detach", "hang", "drop_panic"]);
}
