//! What stands in the arguments of macros, known and unknown.

mod support;

use backstop_rules::{Group, MacroKind, Scan, macro_kind};
use support::{ALL, each, found, lines, nothing};

const EXIT: &str = "process::exit(1)";

#[test]
fn the_arguments_of_every_family_are_searched() {
    for code in [
        "println!(\"{}\", EXIT)",
        "format!(\"{x}\", x = EXIT)",
        "write!(f, \"{}\", EXIT)?;",
        "eprintln!(\"{}\", f(|| EXIT));",
        "debug_assert!(f(EXIT), \"x\");",
        "assert_eq!(a, EXIT);",
        "vec![a, EXIT, b]",
        "vec![EXIT; 3]",
        "vec![0; EXIT]",
        "matches!(EXIT, Some(_))",
        "matches!(x, Some(y) if EXIT)",
        "dbg!(EXIT)",
        "log::info!(\"{}\", EXIT);",
        "log::info!(target: \"x\", \"{}\", EXIT);",
        "tracing::warn!(a = EXIT, \"x\");",
        "tracing::warn!(?a, %b, c = %EXIT, \"x\");",
        "bail!(\"{}\", EXIT)",
        "anyhow::ensure!(EXIT, \"x\");",
        "eyre!(\"{}\", EXIT)",
        "panic!(\"{}\", EXIT)",
        "tokio::select! { x = f() => { EXIT } _ = g() => {} }",
        "tokio::select! { biased; x = EXIT => {}, else => {} }",
        "tokio::select! { x = f(), if EXIT => g(), else => h(), }",
        "tokio::select! { x = f() => g(), else => EXIT }",
        "futures::select! { x = f() => EXIT, complete => {} }",
        "crossbeam::select! { recv(a) -> b => EXIT }",
        "tokio::join!(a, async { EXIT })",
        "try_join!(a, async { EXIT })?;",
        "cfg_if! { if #[cfg(unix)] { EXIT } else { f() } }",
        "cfg_if::cfg_if! { if #[cfg(unix)] { f() } else if #[cfg(windows)] { EXIT; g() } }",
        "thread_local! { static A: u8 = EXIT; }",
        "defer! { EXIT }",
        "backstop::defer! { f(); EXIT; }",
        "defer!(on = failure, EXIT);",
        "unknown!(EXIT)",
        "unknown! { a => [b; { c(EXIT) }] }",
        "html! { <p on_click={ || EXIT }> }",
        "outer!(x => println!(\"{}\", EXIT));",
        "outer!(x => inner!(y => EXIT));",
        "let x = 1; stringy!(EXIT);",
        "Some(unknown![EXIT]);",
        "match x { unknown!(EXIT) => {} }",
    ] {
        let code = code.replace("EXIT", EXIT);
        assert_eq!(found(&code), ["process_exit: process::exit"], "in {code}");
    }
}

#[test]
fn tokens_of_unknown_macros_are_searched_for_every_spelling() {
    each(
        "process_exit",
        &[
            ("m!(a => std::process::exit(1))", "std::process::exit"),
            ("m!(a => ::std::process::exit(1))", "std::process::exit"),
            ("m!(a => x.map(process::exit))", "process::exit"),
            ("use std::process::exit as quit; m!(a => quit(1))", "quit"),
            ("use std::process as p; m!(a => p::exit(1))", "p::exit"),
            ("m!(a => r#process::exit(1))", "r#process::exit"),
        ],
    );
    each(
        "box_leak",
        &[("m!(a => Box::<T>::leak(x))", "Box::<T>::leak"), ("m!(a => x.leak())", "leak")],
    );
    each("into_raw", &[("m!(a => x.into_raw())", "into_raw")]);
    each("inline_asm", &[("m!(a => asm!(\"nop\"))", "asm")]);
    each("process_exec", &[("m!(a => Command::new(\"x\").arg(y).exec())", "exec")]);
    each("libc_exit", &[("m!(a => libc::kill(0, 9))", "libc::kill")]);
}

#[test]
fn look_alikes_in_tokens_are_not_found() {
    nothing(&[
        "m!(a => room.exit())",
        "m!(a => cache.forget(key))",
        "m!(a => node.leak(1, 2))",
        "m!(a => libc::kill(child, 9))",
        "m!(a => exit(1))",
        "m!(a => \"process::exit(1)\")",
        "m!(a => ; fn f() { process::exit(1) })",
        "m!(=> ; use std::process::exit;)",
        "m!(=> ; mod a { fn f() { process::exit(1) } })",
        "use std::process::exit; m!(exit => 1)",
        "use std::process::exit; m!(exit: 1)",
        "use std::process::exit; let exit = 1; m!(a => exit)",
        "m!(=> #[doc(process::exit)] x)",
        "cfg_if! { if #[cfg(unix)] { fn f() { process::exit(1) } } }",
        "m!(a => ..exec())",
        "use std::process::exit; m!(a => 'exit: loop { break 'exit; })",
        "use std::process::exit; m!(a => b.exit)",
        "stringify!(x)",
        "env!(\"HOME\")",
        "concat!(\"a\", 1)",
    ]);
}

#[test]
fn a_macro_of_the_body_is_searched_where_it_is_defined() {
    let found = found("macro_rules! m { () => { process::exit(1) } } m!();");
    assert_eq!(found, ["process_exit: process::exit"]);
}

#[test]
fn expressions_that_syn_leaves_alone_are_searched() {
    // `builtin #` is `Expr::Verbatim`.
    assert_eq!(found("f(builtin # x(process::exit(1)))"), ["process_exit: process::exit"]);
}

#[test]
fn a_token_stream_is_searched_as_statements_where_it_is_one() {
    let scan = |code: &str| {
        let tokens = code.parse().expect("tokens");
        lines(&Scan::new(ALL).tokens(tokens))
    };
    assert_eq!(scan("let c = Command::new(a); c.exec();"), ["process_exec: exec"]);
    assert_eq!(scan("a => process::exit(1)"), ["process_exit: process::exit"]);
}

#[test]
fn an_expression_can_be_searched_alone() {
    let expr = syn::parse_str("a.or_else(|| process::exit(1))").expect("an expression");
    assert_eq!(lines(&Scan::new(&[Group::Exit]).expr(&expr)), ["process_exit: process::exit"]);
    assert_eq!(lines(&Scan::new(&[Group::Hang]).expr(&expr)), [""; 0]);
}

#[test]
fn the_expression_of_a_cleanup_is_searched_and_its_keys_are_not() {
    assert_eq!(
        found("#[cleanup(process::exit(1), on = failure)] let x = f();"),
        ["process_exit: process::exit"]
    );
    assert_eq!(found("#[backstop::cleanup(mem::forget(x))] f();"), ["mem_forget: mem::forget"]);
    assert_eq!(
        found("#[cleanup(move || { loop {} }, survives = exit)] f();"),
        ["endless_loop: loop"]
    );
    nothing(&["#[cleanup(f(), name = process::exit)] g();", "#[other(process::exit(1))] g();"]);
    let allowed = "#[cleanup(process::exit(1))] #[allow_skip(process_exit, reason = \"x\")] f();";
    nothing(&[allowed]);
}

#[test]
fn a_macro_is_known_by_its_last_name() {
    for (path, kind) in [
        ("panic", MacroKind::Diverges),
        ("std::unreachable", MacroKind::Diverges),
        ("println", MacroKind::Arguments),
        ("tracing::info", MacroKind::Arguments),
        ("assert_eq", MacroKind::Arguments),
        ("assert", MacroKind::Stringifies),
        ("dbg", MacroKind::Stringifies),
        ("vec", MacroKind::Known),
        ("tokio::select", MacroKind::Known),
        ("anyhow::bail", MacroKind::Exits),
        ("ensure", MacroKind::Exits),
        ("r#try", MacroKind::Exits),
        ("html", MacroKind::Unknown),
    ] {
        assert_eq!(macro_kind(&syn::parse_str(path).expect("a path")), kind, "{path}");
    }
}
