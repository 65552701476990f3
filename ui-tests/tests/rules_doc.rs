//! `docs/rules.md` is made from the catalogue, and stays as it was made.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use backstop_rules::{Group, RULES, Rule, Shows};

/// What a group is about, and which attributes refuse its rules.
const GROUPS: [(Group, &str, &str); 5] = [
    (
        Group::Exit,
        "Ends the process or the thread without unwinding.",
        "`#[no_exit]`, `#[must_cleanup]`",
    ),
    (Group::Forget, "Gives up a value without running its destructor.", "`#[must_cleanup]`"),
    (Group::Detach, "Starts work that outlives the function.", "`#[scoped_spawn]`"),
    (Group::Hang, "Never returns, so that no destructor ever runs.", "`#[must_cleanup]`"),
    (
        Group::DropPanic,
        "Panics on purpose inside a destructor.",
        "`#[must_cleanup]` on an `impl Drop`",
    ),
];

const COMMAND: &str = "BLESS=1 cargo test -p backstop-ui-tests --test rules_doc";

#[test]
fn the_committed_catalogue_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let expected = document();
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("docs/ can be made");
        fs::write(&path, expected).expect("docs/rules.md can be written");
        return;
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let difference = committed.lines().zip(expected.lines()).position(|(old, new)| old != new);
    let line =
        difference.unwrap_or_else(|| committed.lines().count().min(expected.lines().count()));
    assert!(
        committed == expected,
        "docs/rules.md differs from the catalogue from line {} on; `{COMMAND}` updates it",
        line + 1,
    );
}

#[test]
fn every_rule_is_in_a_described_group() {
    for rule in RULES {
        assert!(GROUPS.iter().any(|(group, ..)| *group == rule.group), "{}", rule.name);
    }
}

fn document() -> String {
    let mut text = format!(
        "<!-- Made from `backstop_rules::RULES` by `{COMMAND}`. Change the catalogue, not this. -->\n\
         \n\
         # Rules\n\
         \n\
         A rule is one pattern that skips destructors. Its name goes into an allow, always with a \
         reason:\n\
         \n\
         ```rust,ignore\n\
         #[no_exit(allow(process_exit, reason = \"nothing is open yet\"))] // the whole function\n\
         #[allow_skip(process_exit, reason = \"nothing is open yet\")]     // one statement\n\
         ```\n\
         \n\
         An allow that allows nothing is a warning. Rules marked *pedantic* have many harmless \
         findings, and no attribute looks for them.\n",
    );
    for (group, about, attributes) in GROUPS {
        let rules = || RULES.iter().filter(move |rule| rule.group == group);
        write!(
            text,
            "\n## Group `{group}`\n\n{about} Refused by {attributes}.\n\n\
             | rule | the pattern .. |\n|---|---|\n"
        )
        .expect("a string takes all text");
        for rule in rules() {
            let pedantic = if rule.pedantic { " (pedantic)" } else { "" };
            let name = rule.name;
            writeln!(text, "| [`{name}`](#{name}){pedantic} | {} |", rule.reason)
                .expect("a string takes all text");
        }
        rules().for_each(|rule| text.push_str(&section(rule, attributes)));
    }
    text
}

fn section(rule: &Rule, attributes: &str) -> String {
    let Rule { name, reason, remedy, example, instead, .. } = rule;
    let looks = if rule.pedantic {
        "Pedantic: no attribute refuses it.".to_owned()
    } else {
        format!("Refused by {attributes}.")
    };
    let looks_for = looks_for(rule);
    let allow = if rule.pedantic {
        "There is nothing to allow.".to_owned()
    } else {
        format!("Allow it with `#[allow_skip({name}, reason = \"..\")]` on the statement.")
    };
    let example = code(example);
    let instead = code(instead);
    format!(
        "\n### `{name}`\n\n\
         *What:* {looks_for} {looks}\n\n\
         *Why:* it {reason}.\n\n\
         Bad:\n\n```rust,ignore\n{example}\n```\n\n\
         Good:\n\n```rust,ignore\n{instead}\n```\n\n\
         *Remedy:* {remedy}.\n\n\
         {allow}\n"
    )
}

/// One statement a line.
fn code(statements: &str) -> String {
    let parsed = statements.split("; ").collect::<Vec<_>>();
    // Braces keep what is inside them on their line.
    if statements.contains('{') { statements.to_owned() } else { parsed.join(";\n") }
}

/// What a row of the catalogue matches, in words.
fn looks_for(rule: &Rule) -> String {
    let mut parts = Vec::new();
    if !rule.paths.is_empty() {
        let paths = rule.paths.iter().map(|path| format!("`{path}`"));
        parts.push(counted("the function", rule.paths.len(), paths));
    }
    if !rule.calls.is_empty() {
        let calls = rule.calls.iter().map(|call| {
            let shows = match call.shows {
                Shows::OwnProcess => "of this very process",
                Shows::EndlessDuration => "with `Duration::MAX`",
                Shows::StaticLifetime => "to a `'static` type",
                _ => "with certain arguments",
            };
            format!("`{}` {shows}", call.path)
        });
        parts.push(list(calls));
    }
    if !rule.methods.is_empty() {
        let methods = rule.methods.iter().map(|method| format!("`.{}()`", method.name));
        parts.push(counted("the method call", rule.methods.len(), methods));
    }
    if !rule.macros.is_empty() {
        let macros = rule.macros.iter().map(|name| format!("`{name}!`"));
        parts.push(counted("the macro", rule.macros.len(), macros));
    }
    if !rule.pairs.is_empty() {
        let pairs = rule.pairs.iter().map(|(taken, back)| format!("`{taken}` without `{back}`"));
        parts.push(format!("found only as {} in the same body", list(pairs)));
    }
    let by_shape = match rule.name {
        "endless_loop" => {
            "`loop` and `while true` without a `break`, `return`, `?` or `.await`, but for those in \
             `if false { .. }`"
        }
        "detached_task" => {
            "of a `JoinSet`, if the block that makes it neither joins it nor gives it away"
        }
        "detached_child" => {
            "found if the handle is dropped at once, or left alone until its block ends"
        }
        "drop_index" => "an index in brackets",
        "diverging_call" => {
            "a call of any function or method whose type says that it never returns (`!`, or \
             another type without values), unless it is known to unwind"
        }
        _ => "",
    };
    if !by_shape.is_empty() {
        parts.push(by_shape.to_owned());
    }
    format!("{}.", parts.join("; "))
}

fn counted(what: &str, count: usize, items: impl Iterator<Item = String>) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{what}{plural} {}", list(items))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen.join(", ")
}
