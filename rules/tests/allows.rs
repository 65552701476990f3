//! `allow(..)` and `#[allow_skip(..)]`.

mod support;

use backstop_rules::{Allow, Allows, Group, Report, Scan, statement_attrs, statement_attrs_mut};
use proc_macro2::Span;
use support::{ALL, body, found, lines, nothing, scan};
use syn::visit::{self, Visit};

fn parse(tokens: &str) -> Result<Allow, Vec<String>> {
    match Allow::parse(tokens.parse().expect("tokens"), Span::call_site()) {
        (allow, None) => Ok(allow),
        (_, Some(error)) => Err(error.into_iter().map(|error| error.to_string()).collect()),
    }
}

fn unused(report: &Report) -> Vec<&'static str> {
    report.unused().iter().map(|unused| unused.name).collect()
}

#[test]
fn an_allow_names_rules_and_a_reason() {
    let allow = parse("process_exit, mem_forget, reason = \"at the end of main\",").expect("valid");
    let names: Vec<_> = allow.rules.iter().map(|allowed| allowed.name).collect();
    assert_eq!(names, ["process_exit", "mem_forget"]);
    assert_eq!(allow.reason, "at the end of main");
    assert!(allow.allows("mem_forget") && !allow.allows("box_leak"));
    let warning = parse("panic_abort, reason = \"x\"").expect("valid");
    assert!(warning.allows("panic_abort") && warning.rules[0].rule.is_none());
    assert!(parse("reason = \"x\", diverging_call").is_ok());
}

#[test]
fn all_errors_of_an_allow_are_said_at_once() {
    let errors = parse("proces_exit, mem_forget, mem_forget, because = 1").expect_err("invalid");
    assert_eq!(errors.len(), 4, "{errors:?}");
    assert!(errors[0].starts_with("unknown rule `proces_exit`\nhelp: did you mean `process_exit`"));
    assert_eq!(errors[1], "`mem_forget` is allowed twice\nhelp: remove one of the two");
    assert_eq!(errors[2], "unknown key `because`\nhelp: the only key is `reason`");
    assert_eq!(errors[3], "no reason is given\nhelp: say why this is safe: `reason = \"..\"`");
}

#[test]
fn each_malformed_allow_is_an_error() {
    let only = |tokens: &str| {
        let errors = parse(tokens).expect_err(tokens);
        assert_eq!(errors.len(), 1, "{tokens}: {errors:?}");
        errors[0].clone()
    };
    assert!(only("xyzzy, reason = \"x\"").contains("the rules are `process_exit`, "));
    assert_eq!(
        only("reason = \"x\""),
        "nothing is allowed here\nhelp: name a rule and say why: `process_exit, reason = \"..\"`"
    );
    assert_eq!(
        only("mem_forget, reason = \" \""),
        "the reason is empty\nhelp: say why this is safe"
    );
    assert_eq!(
        only("mem_forget, reason = 3"),
        "the reason is no string\nhelp: write `reason = \"..\"`"
    );
    assert_eq!(
        only("mem_forget, reason = \"x\", reason = \"y\""),
        "the reason is given twice\nhelp: remove one of the two"
    );
    only("mem_forget reason = \"x\"");
    assert!(only("mem::forget, reason = \"x\"").contains("name the rule, not the function"));
    assert!(only("mem_forget, reason").starts_with("`reason` needs a value"));
    only("");
}

#[test]
fn an_allow_with_an_error_still_allows_what_it_names() {
    let (allow, error) = Allow::parse("mem_forget".parse().expect("tokens"), Span::call_site());
    assert!(error.is_some() && allow.allows("mem_forget"));
}

#[test]
fn an_error_stands_at_its_own_token() {
    let tokens = "a_rule, reason = \"\"".parse().expect("tokens");
    let (_, error) = Allow::parse(tokens, Span::call_site());
    let texts: Vec<_> =
        error.expect("invalid").into_iter().map(|error| error.span().source_text()).collect();
    assert_eq!(texts, [Some("a_rule".into()), Some("\"\"".into())]);
}

#[test]
fn an_allow_on_any_statement_covers_all_of_it() {
    for statement in [
        "let x = std::process::exit(1);",
        "let x = || { { std::process::exit(1) } };",
        "std::process::exit(1);",
        "std::process::exit(1)",
        "match x { 1 => std::process::exit(1), _ => {} }",
        "x = std::process::exit(1);",
        "x + std::process::exit(1);",
        "println!(\"{}\", std::process::exit(1));",
        "unknown! { std::process::exit(1) }",
        "if a { std::process::exit(1) } else if b {} else { f() }",
        "return std::process::exit(1);",
        "let Some(x) = y else { std::process::exit(1) };",
        "unsafe { std::process::exit(1) }",
        "std::process::exit as fn(i32) -> !;",
    ] {
        let allowed = format!("#[allow_skip(process_exit, reason = \"r\")] {statement}");
        let report = scan(&allowed);
        assert_eq!(lines(&report), [""; 0], "in {allowed}");
        assert_eq!(unused(&report), [""; 0], "in {allowed}");
        assert!(report.errors.is_empty(), "in {allowed}");
    }
}

#[test]
fn an_allow_covers_no_more_than_its_statement_and_its_rules() {
    let allow = "#[allow_skip(process_exit, reason = \"r\")]";
    let code =
        format!("{allow} process::exit(1); process::exit(2); {allow} mem::forget(process::exit)");
    assert_eq!(found(&code), ["process_exit: process::exit", "mem_forget: mem::forget"]);
    nothing(&[
        "match x { #[allow_skip(process_exit, reason = \"r\")] 1 => process::exit(1), _ => {} }",
        "#[backstop::allow_skip(process_exit, reason = \"r\")] process::exit(1);",
        "defer! { #[allow_skip(process_exit, reason = \"r\")] process::exit(1); }",
    ]);
}

#[test]
fn an_allow_that_allows_nothing_is_reported_at_its_name() {
    let code = "#[allow_skip(process_exit, mem_forget, reason = \"r\")] process::exit(1);";
    let report = scan(code);
    assert_eq!(unused(&report), ["mem_forget"]);
    assert_eq!(report.unused()[0].span.source_text().as_deref(), Some("mem_forget"));
}

#[test]
fn the_innermost_allow_is_the_one_in_use() {
    let inner = "#[allow_skip(mem_forget, reason = \"inner\")] mem::forget(x);";
    let report = scan(&format!("#[allow_skip(mem_forget, reason = \"outer\")] {{ {inner} }}"));
    assert_eq!(unused(&report), ["mem_forget"]);
    let outer_used =
        format!("#[allow_skip(mem_forget, reason = \"outer\")] {{ {inner} mem::forget(y) }}");
    assert_eq!(unused(&scan(&outer_used)), [""; 0]);
}

#[test]
fn what_is_no_finding_uses_no_allow() {
    let code = "#[allow_skip(into_raw, reason = \"r\")] let p = Box::into_raw(x); Box::from_raw(p)";
    assert_eq!(unused(&scan(code)), ["into_raw"]);
}

#[test]
fn a_functions_allow_covers_all_of_the_body() {
    let report = Scan::new(ALL)
        .allow(parse("process_exit, box_leak, reason = \"r\"").expect("valid"))
        .allow(parse("panic_abort, reason = \"r\"").expect("valid"))
        .block(&body("process::exit(1); mem::forget(x)"));
    assert_eq!(lines(&report), ["mem_forget: mem::forget"]);
    assert_eq!(unused(&report), ["box_leak", "panic_abort"]);
}

#[test]
fn a_malformed_allow_skip_is_one_error() {
    for malformed in ["allow_skip", "allow_skip = 1", "allow_skip()"] {
        let report = scan(&format!("#[{malformed}] process::exit(1);"));
        assert_eq!(report.errors.len(), 1, "{malformed}");
        assert_eq!(lines(&report), ["process_exit: process::exit"], "{malformed}");
    }
    // What it names it allows, and it is not unused, either: its error stands alone.
    let report = scan("#[allow_skip(process_exit, box_leak)] process::exit(1);");
    assert_eq!((report.errors.len(), lines(&report).len(), report.unused().len()), (1, 0, 0));
}

/// A caller's second walk: it asks for `diverging_call` at each call, and never looks into macros.
struct Second(Allows, Vec<bool>);

impl<'ast> Visit<'ast> for Second {
    fn visit_stmt(&mut self, statement: &'ast syn::Stmt) {
        let mark = self.0.enter(statement_attrs(statement));
        visit::visit_stmt(self, statement);
        self.0.leave(mark);
    }
    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.1.push(self.0.allows("diverging_call"));
        visit::visit_expr_call(self, call);
    }
}

fn second(allows: Option<Allow>, code: &str) -> (Vec<bool>, usize) {
    let block = body(code);
    let mut scan = Scan::new(&[Group::Exit]);
    if let Some(allow) = allows {
        scan = scan.allow(allow);
    }
    let mut walk = Second(scan.block(&block).allows, Vec::new());
    walk.visit_block(&block);
    (walk.1, walk.0.unused().len())
}

#[test]
fn a_second_walk_finds_the_allows_again_and_marks_them() {
    let allow = "#[allow_skip(diverging_call, reason = \"r\")]";
    assert_eq!(second(None, &format!("a(); {allow} b(); c();")), (vec![false, true, false], 0));
    assert_eq!(
        second(None, &format!("{allow} {{ a(); {allow} b(); }} c();")),
        (vec![true, true, false], 0)
    );
    assert_eq!(second(None, &format!("{allow} x = a(); {allow} let y = 1;")), (vec![true], 1));
    // The one in the macro is passed over, and stays unused.
    let skipped = "defer! { #[allow_skip(diverging_call, reason = \"in defer\")] a(); }";
    assert_eq!(second(None, &format!("{skipped} {allow} b(); c();")), (vec![true, false], 1));
    let function = parse("diverging_call, reason = \"r\"").ok();
    assert_eq!(second(function.clone(), "a(); b();"), (vec![true, true], 0));
    assert_eq!(second(function, &format!("{allow} a();")), (vec![true], 1));
}

#[test]
fn a_statements_attributes_can_be_removed_wherever_syn_hangs_them() {
    for code in [
        "#[a] x = y;",
        "#[a] x + y;",
        "#[a] x as u8;",
        "#[a] let x = y;",
        "#[a] m!();",
        "#[a] { }",
        "#[a] f()",
    ] {
        let mut block = body(code);
        assert_eq!(statement_attrs(&block.stmts[0]).len(), 1, "{code}");
        statement_attrs_mut(&mut block.stmts[0]).expect(code).clear();
        assert!(statement_attrs(&block.stmts[0]).is_empty(), "{code}");
    }
    assert!(statement_attrs_mut(&mut body("#[a] fn f() {}").stmts[0]).is_none());
}
