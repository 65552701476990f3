//! SARIF 2.1.0, which code hosts and editors read.

use std::io::Write as _;

use serde_json::{Value, json};

use super::problem::{Level, Problem};

/// Prints the problems.
pub fn print(problems: &[Problem]) {
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer_pretty(&mut out, &log(problems))
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(out));
    // A reader that went away has read enough.
    drop(written);
}

fn log(problems: &[Problem]) -> Value {
    let mut names: Vec<&str> = problems.iter().map(|problem| problem.rule.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let rules: Vec<Value> = names.iter().map(|name| rule(name)).collect();
    let results: Vec<Value> = problems.iter().map(|problem| result(problem, &names)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "cargo-backstop",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "originalUriBaseIds": { "ROOT": { "description": { "text": "The workspace." } } },
            "results": results,
        }],
    })
}

fn rule(name: &str) -> Value {
    let (short, help) = match backstop_rules::rule(name) {
        Some(rule) => (rule.reason, rule.remedy),
        None => ("nothing is proven", "see the message"),
    };
    json!({ "id": name, "shortDescription": { "text": short }, "help": { "text": help } })
}

fn result(problem: &Problem, names: &[&str]) -> Value {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let mut result = json!({
        "ruleId": problem.rule,
        "ruleIndex": names.iter().position(|name| *name == problem.rule),
        "level": level,
        "message": { "text": format!("{}; help: {}", problem.message, problem.help) },
        "locations": [location(&problem.file, problem.line, problem.column)],
    });
    if !problem.steps.is_empty() {
        let steps: Vec<Value> = problem
            .steps
            .iter()
            .map(|step| {
                let mut place = match &step.place {
                    Some((file, line, column)) => location(file, *line, *column),
                    None => json!({}),
                };
                place["message"] = json!({ "text": step.text });
                json!({ "location": place })
            })
            .collect();
        result["codeFlows"] = json!([{ "threadFlows": [{ "locations": steps }] }]);
    }
    result
}

fn location(file: &str, line: u32, column: u32) -> Value {
    let uri = file.replace(' ', "%20");
    let artifact = if file.starts_with('/') {
        json!({ "uri": format!("file://{uri}") })
    } else {
        json!({ "uri": uri, "uriBaseId": "ROOT" })
    };
    json!({ "physicalLocation": {
        "artifactLocation": artifact,
        "region": { "startLine": line, "startColumn": column },
    }})
}
