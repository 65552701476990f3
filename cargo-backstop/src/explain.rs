//! `cargo backstop explain`: a rule of the catalogue, with an example and the remedy.

use std::fmt::Write as _;

use backstop_rules::{RULES, Rule, similar};

/// What there is to say of a rule.
///
/// # Errors
///
/// Where there is no rule of that name: what is near to it, or all of them.
pub fn explain(name: &str) -> Result<String, String> {
    if let Some(rule) = backstop_rules::rule(name) {
        return Ok(text(rule));
    }
    let near = similar(name);
    let names: Vec<String> = if near.is_empty() {
        RULES.iter().map(|rule| format!("`{}`", rule.name)).collect()
    } else {
        near.iter().map(|name| format!("`{name}`")).collect()
    };
    let hint = if near.is_empty() { "the rules are" } else { "did you mean" };
    Err(format!("there is no rule `{name}`\nhelp: {hint} {}", names.join(", ")))
}

fn text(rule: &Rule) -> String {
    let mut text = format!("{} (group `{}`)\n\n", rule.name, rule.group);
    let _ = writeln!(text, "What it finds {}.\n", rule.reason);
    let _ = writeln!(text, "    {}\n", rule.example.replace('\n', "\n    "));
    let _ = writeln!(text, "Instead: {}.\n", rule.remedy);
    let _ = writeln!(text, "    {}\n", rule.instead.replace('\n', "\n    "));
    for (what, names) in [("functions", rule.paths), ("macros", rule.macros)] {
        if !names.is_empty() {
            let _ = writeln!(text, "Its {what}: {}\n", names.join(", "));
        }
    }
    let _ = writeln!(
        text,
        "To allow it: `#[allow_skip({0}, reason = \"..\")]` on a statement, or `allow({0}, reason = \
         \"..\")` in the attribute.",
        rule.name
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_explained() {
        for rule in RULES {
            let text = explain(rule.name).expect("known");
            assert!(text.contains(rule.remedy) && text.contains(rule.group.name()));
        }
    }

    #[test]
    fn an_unknown_rule_names_the_near_ones() {
        let error = explain("proces_exit").expect_err("unknown");
        assert!(error.contains("did you mean `process_exit`"), "{error}");
        assert!(explain("xyzzy").expect_err("unknown").contains("`mem_forget`"));
    }
}
