//! Groups `hang` and `drop_panic`.

mod support;

use backstop_rules::{Group, Scan};
use support::{body, each, lines, nothing};

#[test]
fn loops_without_a_way_out_are_found() {
    each(
        "endless_loop",
        &[
            ("loop {}", "loop"),
            ("if true { loop {} }", "loop"),
            ("if !false { loop {} }", "loop"),
            ("if false {} else { loop {} }", "loop"),
            ("loop { work(); }", "loop"),
            ("'a: loop { work(); }", "loop"),
            ("while true { work(); }", "while"),
            ("while (true) {}", "while"),
            ("loop { for x in y { break; } }", "loop"),
            ("loop { while f() { if g() { break; } } }", "loop"),
            ("loop { 'inner: loop { break 'inner; } }", "loop"),
            ("loop { 'b: { break 'b; } }", "loop"),
            ("'a: loop { if f() { continue 'a; } }", "loop"),
            ("loop { continue; }", "loop"),
            ("loop { let f = || return; }", "loop"),
            ("loop { let f = || g()?; }", "loop"),
            ("loop { spawn(async { f().await?; return; }); }", "loop"),
            ("loop { fn f() { return; } }", "loop"),
            ("loop { println!(\"{}\", f()); }", "loop"),
            ("loop { let v = vec![1; 2]; info!(\"x\"); debug_assert!(true); }", "loop"),
            ("loop { match f() { 1 => continue, _ => {} } }", "loop"),
            ("let f = || loop {};", "loop"),
            ("loop { tracing::info!(?x, \"y\"); }", "loop"),
            ("loop { thread_local! { static A: u8 = 1; } }", "loop"),
        ],
    );
}

#[test]
fn loops_that_something_leaves_are_not_found() {
    nothing(&[
        // Other attributes write it, to have a value of some type.
        "if false { let value: u8 = loop {}; return value; }",
        "if (false) { while true {} }",
        "loop { break; }",
        "loop { if f() { break 1; } }",
        "'a: loop { loop { break 'a; } }",
        "'a: { loop { break 'a; } }",
        "'a: for x in y { loop { continue 'a; } }",
        "loop { return; }",
        "loop { f()?; }",
        "loop { f().await; }",
        "loop { match f() { Ok(x) => x, Err(e) => return e } }",
        "loop { let Some(x) = f() else { break }; }",
        "loop { panic!(\"x\"); }",
        "loop { unreachable!() }",
        "loop { assert!(f()); }",
        "loop { bail!(\"x\"); }",
        "loop { ensure!(f(), \"x\"); }",
        "loop { my_macro!(); }",
        "loop { println!(\"{}\", f()?); }",
        "loop { let v = vec![g()?; 2]; }",
        "loop { tokio::select! { x = f() => {} } }",
        "loop { std::panic::resume_unwind(p); }",
        "loop { while f() { return; } }",
        "loop { for x in { break } {} }",
        "while f() {}",
        "while true { break; }",
        "for x in y { work(); }",
        "while let Some(x) = f() {}",
    ]);
}

#[test]
fn only_the_loop_that_nothing_leaves_is_found() {
    each(
        "endless_loop",
        &[
            ("'a: loop { loop { break 'a; } loop { f(); } }", "loop"),
            ("loop { loop { return; } loop {} }", "loop"),
        ],
    );
}

#[test]
fn waits_without_a_deadline_are_found() {
    each(
        "park_forever",
        &[
            ("std::thread::park()", "std::thread::park"),
            ("use std::thread; thread::park()", "thread::park"),
            ("use std::thread::park as wait; wait()", "wait"),
            ("std::future::pending::<()>().await", "std::future::pending"),
            ("thread::sleep(Duration::MAX)", "thread::sleep"),
            ("tokio::time::sleep(std::time::Duration::MAX).await", "tokio::time::sleep"),
        ],
    );
    nothing(&[
        "thread::park_timeout(d)",
        "thread::sleep(d)",
        "thread::sleep(Duration::from_secs(1))",
        "car.park()",
        "unpark()",
    ]);
}

fn in_drop(statements: &str) -> Vec<String> {
    lines(&Scan::new(&[Group::DropPanic]).block(&body(statements)))
}

#[test]
fn panics_in_a_destructor_are_found() {
    for (code, under) in [
        ("panic!(\"x\")", "panic"),
        ("std::panic!(\"x\");", "std::panic"),
        ("todo!()", "todo"),
        ("core::unimplemented!()", "core::unimplemented"),
        ("unreachable!()", "unreachable"),
        ("assert!(x);", "assert"),
        ("assert_eq!(x, y);", "assert_eq"),
        ("assert_ne!(x, y, \"{}\", z);", "assert_ne"),
        ("x.unwrap();", "unwrap"),
        ("x.expect(\"y\");", "expect"),
        ("x.unwrap_err();", "unwrap_err"),
        ("x.expect_err(\"y\");", "expect_err"),
        ("xs.map(Result::unwrap);", "Result::unwrap"),
        ("std::panic::panic_any(1)", "std::panic::panic_any"),
        ("use std::panic::resume_unwind; resume_unwind(p)", "resume_unwind"),
        ("log!(x => y.unwrap());", "unwrap"),
    ] {
        assert_eq!(in_drop(code), [format!("drop_panic: {under}")], "in {code}");
    }
    for code in [
        "debug_assert!(x);",
        "debug_assert_eq!(x, y);",
        "x.unwrap_or(1);",
        "x.unwrap_or_default();",
        "token.expect(a, b);",
        "x[1];",
        "fn f() { panic!() }",
        "my::panic!();",
    ] {
        assert_eq!(in_drop(code), [""; 0], "in {code}");
    }
}

#[test]
fn indexing_is_found_on_request() {
    let scan =
        |code: &str| lines(&Scan::new(&[Group::DropPanic]).pedantic(true).block(&body(code)));
    assert_eq!(scan("f(x[1])"), ["drop_index: ["]);
    assert_eq!(scan("x[a..b].f()"), ["drop_index: ["]);
    assert_eq!(scan("x[i][j] = 1;").len(), 2);
    assert_eq!(scan("f(&x[..]); [1, 2]; #[cfg(x)] f();"), [""; 0]);
}
