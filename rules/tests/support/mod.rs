//! Scans of source text, and their results as text.
#![allow(dead_code, reason = "each test program uses some of these")]

use backstop_rules::{Finding, Group, Report, Scan};

pub(crate) const ALL: &[Group] =
    &[Group::Exit, Group::Forget, Group::Detach, Group::Hang, Group::DropPanic];

pub(crate) fn body(statements: &str) -> syn::Block {
    syn::parse_str(&format!("{{ {statements} }}"))
        .unwrap_or_else(|error| panic!("{error}: {statements}"))
}

/// Scans statements for every rule but those of `drop_panic`, pedantic ones too.
pub(crate) fn scan(statements: &str) -> Report {
    Scan::new(&ALL[..4]).pedantic(true).block(&body(statements))
}

/// What is under the caret.
pub(crate) fn source(finding: &Finding) -> String {
    finding.span.source_text().unwrap_or_default()
}

/// `rule: source` for each finding.
pub(crate) fn found(statements: &str) -> Vec<String> {
    lines(&scan(statements))
}

pub(crate) fn lines(report: &Report) -> Vec<String> {
    report.findings.iter().map(|found| format!("{}: {}", found.rule.name, source(found))).collect()
}

/// Asserts that each source has exactly one finding, of that rule, under that text.
#[track_caller]
pub(crate) fn each(rule: &str, cases: &[(&str, &str)]) {
    for (statements, under) in cases {
        assert_eq!(found(statements), [format!("{rule}: {under}")], "in {statements}");
    }
}

#[track_caller]
pub(crate) fn nothing(cases: &[&str]) {
    for statements in cases {
        assert_eq!(found(statements), [""; 0], "in {statements}");
    }
}
