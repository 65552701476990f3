//! What the attributes expand to, before and after, as `src/tests/*.rs` shows.
//!
//! `UPDATE_EXPECT=1 cargo test -p backstop-macros` writes the files anew.

use expect_test::{ExpectFile, expect_file};
use proc_macro2::TokenStream;

use crate::attribute::Kind;
use crate::{item, main_attribute, no_exit};

fn check(kind: Kind, args: &str, item: &str, expected: &ExpectFile) {
    check_expansion(item::expand(kind, parse(args), parse(item)), expected);
}

fn parse(text: &str) -> TokenStream {
    text.parse().expect("test input is Rust")
}

fn check_expansion(expanded: TokenStream, expected: &ExpectFile) {
    let file = syn::parse2(expanded).expect("an expansion is Rust");
    let reason = format!("{:?}", no_exit::expand::REASON);
    expected.assert_eq(&prettyplease::unparse(&file).replace(&reason, "\"..\""));
}

#[test]
fn a_function_is_marked_only_on_request() {
    let parse = |text: &str| text.parse::<TokenStream>().expect("test input is Rust");
    let item = "#[inline] fn stop(code: i32) {
        #[allow_skip(process_exit, reason = \"the last thing that the program does\")]
        std::process::exit(code);
    }";
    let args = "allow(diverging_call, reason = \"as below\")";
    let expanded =
        |marked| item::expand_marked(Kind::NoExit, parse(args), parse(item), marked).to_string();
    assert!(!expanded(false).contains("__BACKSTOP_MARK"));
    assert!(expanded(false).contains("# [inline]"));
    let marked = syn::parse_str(&expanded(true)).expect("an expansion is Rust");
    expect_file!["./tests/marked.rs"].assert_eq(&prettyplease::unparse(&marked));
}

#[test]
fn the_future_of_a_marked_function_is_marked() {
    let parse = |text: &str| text.parse::<TokenStream>().expect("test input is Rust");
    let item = "async fn fetch(from: &Host) -> Result<impl Read, Error> { Ok(from.get()?.body()) }";
    let expanded = item::expand_marked(Kind::NoExit, TokenStream::new(), parse(item), true);
    let marked = syn::parse2(expanded).expect("an expansion is Rust");
    let reason = format!("{:?}", no_exit::expand::REASON);
    expect_file!["./tests/marked_async.rs"]
        .assert_eq(&prettyplease::unparse(&marked).replace(&reason, "\"..\""));
}

#[test]
fn a_guarded_let_becomes_a_hidden_owner_and_a_handle() {
    check(
        Kind::MustCleanup,
        "",
        "fn publish(store: &Store) -> Result<Url, Error> {
            #[cleanup(tx.rollback(), on = failure)]
            let mut tx = store.begin()?;
            tx.commit()?;
            Ok(tx.url())
        }",
        &expect_file!["./tests/guarded_let.rs"],
    );
}

#[test]
fn a_guarded_statement_is_armed_before_it_runs() {
    check(
        Kind::MustCleanup,
        "",
        "fn enter(registry: &Registry) -> Result<(), Error> {
            #[cleanup(registry.withdraw())]
            registry.announce()?;
            serve()
        }",
        &expect_file!["./tests/guarded_statement.rs"],
    );
}

#[test]
fn a_cleanup_that_climbs_is_registered_before_its_guard_is_made() {
    check(
        Kind::MustCleanup,
        "",
        "fn lock(dir: &Path) -> Result<(), Error> {
            #[cleanup(Action::remove_file(&path), survives = kill)]
            let path = create(dir)?;
            #[cleanup(move || log(), survives = exit)]
            announce()?;
            Ok(())
        }",
        &expect_file!["./tests/ladder.rs"],
    );
}

#[test]
fn a_statement_that_is_making_something_is_told_of_each_await() {
    check(
        Kind::MustCleanup,
        "",
        "async fn enter(dir: &Path) {
            #[cleanup(move || remove(), survives = exit)]
            {
                #[cleanup(move || unlink(), survives = exit)]
                create(dir).await;
                fill(dir).await;
            };
            #[cleanup(move || remove(), survives = exit)]
            select! { _ = create(dir) => {} };
        }",
        &expect_file!["./tests/ladder_async.rs"],
    );
}

#[test]
fn every_way_out_marks_the_blocks_that_it_leaves() {
    check(
        Kind::MustCleanup,
        "",
        "fn first(items: &[Item]) -> Option<u32> {
            defer! { log() }
            'outer: for item in items {
                #[cleanup(item.close())]
                let item = item.open();
                if item.is_last() { break 'outer; }
                bail!(item);
                match item.kind() { 0 => continue, 1 => return None, _ => {} }
            }
            if items.is_empty() { None } else { Some(1) }
        }",
        &expect_file!["./tests/ways_out.rs"],
    );
}

#[test]
fn awaits_tell_whether_the_future_is_polled() {
    check(
        Kind::MustCleanup,
        "allow(diverging_call, reason = \"shorter\")",
        "async fn fetch(store: &Store) -> Result<Url, Error> {
            #[cleanup(tx.rollback(), on = [error, cancel])]
            let tx = store.begin().await?;
            tokio::select! { n = tx.next() => n?, else => return Err(Error::Ended) };
            Ok(tx.url().await)
        }",
        &expect_file!["./tests/awaits.rs"],
    );
}

#[test]
fn what_follows_an_async_cleanup_ends_before_it_is_awaited() {
    check(
        Kind::MustCleanup,
        "allow(diverging_call, reason = \"shorter\")",
        "async fn fetch(pool: &Pool) -> Result<Url, Error> {
            for _ in 0..3 {
                #[cleanup(async { conn.close().await }, timeout = \"5s\")]
                let mut conn = pool.open().await?;
                if conn.is_ready()? { return Ok(conn.url()) }
                continue
            }
            Err(Error::Busy)
        }",
        &expect_file!["./tests/async_cleanup.rs"],
    );
}

#[test]
fn every_call_is_asked_whether_it_returns() {
    check(
        Kind::NoExit,
        "unwinds(fail)",
        "fn run(input: &Input) -> u32 {
            let mut total = parse(&open(input)) + 1;
            check(total);
            if total == 0 { fail() }
            -measure(total)
        }",
        &expect_file!["./tests/diverging_calls.rs"],
    );
}

#[test]
fn spawns_become_spawns_of_a_scope() {
    check(
        Kind::ScopedSpawn,
        "limit = 8, on_failure = wait",
        "fn sum(parts: &[u32]) -> u32 {
            let handles: Vec<thread::JoinHandle<u32>> = vec![thread::spawn(|| total(parts))];
            thread::Builder::new().spawn(move || { thread::spawn(report); });
            join(handles)
        }",
        &expect_file!["./tests/scoped_spawns.rs"],
    );
}

#[test]
fn main_becomes_a_function_that_the_runtime_calls() {
    let args = "grace = \"1m\", reaper, journal = \"/var/lib/app\", crate = ::renamed";
    let item = "/// Starts it all.
        #[allow(unused)]
        #[must_cleanup]
        pub fn main() -> Result<(), Error> {
            run()?;
            Ok(())
        }";
    let expanded = main_attribute::expand(parse(args), parse(item));
    check_expansion(expanded, &expect_file!["./tests/main_function.rs"]);
}

#[test]
fn local_tasks_become_children_of_the_same_task() {
    check(
        Kind::ScopedSpawn,
        "local, deadline = \"5s\"",
        "async fn sum(parts: &[Part]) -> Result<u32, Error> {
            let first: JoinHandle<u32> = tokio::spawn(total(parts));
            tokio::spawn(async { task::spawn_local(report(parts)); });
            Ok(first.await?)
        }",
        &expect_file!["./tests/local_tasks.rs"],
    );
}

#[test]
fn an_async_main_becomes_a_function_that_the_runtime_calls() {
    let expanded = main_attribute::expand(
        parse("flavor = \"multi_thread\", worker_threads = 2"),
        parse("async fn main() { serve().await }"),
    );
    check_expansion(expanded, &expect_file!["./tests/async_main_function.rs"]);
}

#[test]
fn tasks_become_tasks_of_a_scope() {
    check(
        Kind::ScopedSpawn,
        "limit = 8, name = \"sum\", deadline = \"5s\"",
        "async fn sum(parts: Vec<Part>) -> Result<u32, Error> {
            let first: tokio::task::JoinHandle<u32> = tokio::spawn(total(parts));
            tokio::spawn(async { task::spawn_blocking(|| report()); });
            task::Builder::new().name(\"log\").spawn(log())?;
            Ok(first.await?)
        }",
        &expect_file!["./tests/scoped_tasks.rs"],
    );
}

#[test]
fn an_error_comes_with_the_item_and_all_others() {
    check(
        Kind::MustCleanup,
        "nonsense",
        "fn f() { #[cleanup(g()?, on = sometimes)] let a = 1; std::process::exit(a) }",
        &expect_file!["./tests/errors.rs"],
    );
}

#[test]
fn calls_whose_text_is_printed_are_looked_at_in_a_copy() {
    check(
        Kind::NoExit,
        "",
        "fn serve(names: &[Name]) -> u8 {
            assert!(names.iter().all(known) && ready());
            assert!(ready(), \"not ready\");
            dbg!(first(names))
        }",
        &expect_file!["./tests/printed_calls.rs"],
    );
}

#[test]
fn spawns_in_branches_become_spawns_of_the_scope() {
    check(
        Kind::ScopedSpawn,
        "",
        "async fn serve(listener: Listener) -> Result<(), Error> {
            tokio::select! {
                biased;
                socket = listener.accept(), if ready() => { tokio::spawn(handle(socket?)); }
                else => return Ok(()),
            }
            Ok(())
        }",
        &expect_file!["./tests/branch_spawns.rs"],
    );
}
