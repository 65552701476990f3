//! `#[cleanup(async { .. })]` on the normal ways out: awaited there, in reverse order among all.

use std::future::Future;
use std::ops::ControlFlow;

use backstop::{Guard, defer, must_cleanup};
use backstop_tests_tokio::SharedLog;
use tokio::task::yield_now;

/// A connection whose end takes a while.
struct Conn {
    name: &'static str,
    log: SharedLog,
}

impl Conn {
    async fn open(name: &'static str, log: &SharedLog) -> Self {
        yield_now().await;
        log.note(format!("+{name}"));
        Self { name, log: log.clone() }
    }

    async fn query(&mut self, n: u32) -> Result<u32, &'static str> {
        yield_now().await;
        self.log.note(format!("{}{n}", self.name));
        if n == 13 { Err("unlucky") } else { Ok(n) }
    }

    async fn close(self) {
        yield_now().await;
        self.log.note(format!("-{}", self.name));
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

#[test]
fn an_async_cleanup_is_awaited_on_every_normal_way_out() {
    #[must_cleanup]
    async fn query(log: &SharedLog, n: u32) -> Result<u32, &'static str> {
        #[cleanup(async { conn.close().await })]
        let mut conn = Conn::open("a", log).await;
        if n == 0 {
            return Ok(100);
        }
        if n == 1 {
            return Err("one");
        }
        let got = conn.query(n).await?;
        log.note("body");
        Ok(got + 1)
    }
    let log = SharedLog::new();
    assert_eq!(run(is_send(query(&log, 5))), Ok(6));
    assert_eq!(log.take(), "+a a5 body -a");
    assert_eq!(run(query(&log, 0)), Ok(100));
    assert_eq!(log.take(), "+a -a");
    assert_eq!(run(query(&log, 1)), Err("one"));
    assert_eq!(log.take(), "+a -a");
    assert_eq!(run(query(&log, 13)), Err("unlucky"));
    assert_eq!(log.take(), "+a a13 -a");
}

#[test]
fn sync_and_async_cleanups_run_in_reverse_order_of_declaration() {
    #[must_cleanup]
    async fn several(log: &SharedLog) -> u32 {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        #[cleanup(log.note("-b"))]
        let _b = 1;
        #[cleanup(async move { c.close().await })]
        let mut c = Conn::open("c", log).await;
        defer! { log.note("-d") }
        let noted = log.clone();
        defer! { async { noted.note("-e") } }
        let _ = &a;
        c.query(1).await.unwrap_or(0)
    }
    let log = SharedLog::new();
    assert_eq!(run(is_send(several(&log))), 1);
    assert_eq!(log.take(), "+a +c c1 -e -d -c -b -a");
}

#[test]
fn the_outcome_decides_which_async_cleanups_run() {
    #[must_cleanup]
    async fn transaction(log: &SharedLog, ok: bool) -> Option<u32> {
        #[cleanup(async { commit.close().await }, on = success)]
        let commit = Conn::open("commit", log).await;
        #[cleanup(async { rollback.close().await }, on = failure)]
        let rollback = Conn::open("rollback", log).await;
        let _ = (&commit, &rollback);
        if ok { Some(1) } else { None }
    }
    let log = SharedLog::new();
    assert_eq!(run(transaction(&log, true)), Some(1));
    assert_eq!(log.take(), "+commit +rollback -commit");
    assert_eq!(run(transaction(&log, false)), None);
    assert_eq!(log.take(), "+commit +rollback -rollback");
}

#[test]
fn in_loops_each_turn_awaits_its_own_before_the_next() {
    #[must_cleanup]
    async fn turns(log: &SharedLog, stop: u32) -> Result<u32, &'static str> {
        #[cleanup(async { outer.close().await })]
        let outer = Conn::open("o", log).await;
        let _ = &outer;
        let mut sum = 0;
        for n in [1, 2, 13, 4] {
            #[cleanup(async { turn.close().await })]
            let mut turn = Conn::open("t", log).await;
            if n == stop {
                break;
            }
            if n == 2 {
                continue;
            }
            sum += turn.query(n).await?;
        }
        Ok(sum)
    }
    let log = SharedLog::new();
    assert_eq!(run(is_send(turns(&log, 13))), Ok(1));
    assert_eq!(log.take(), "+o +t t1 -t +t -t +t -t -o");
    assert_eq!(run(turns(&log, 1)), Ok(0));
    assert_eq!(log.take(), "+o +t -t -o");
    assert_eq!(run(turns(&log, 99)), Err("unlucky"));
    assert_eq!(log.take(), "+o +t t1 -t +t -t +t t13 -t -o");
}

#[test]
#[allow(clippy::never_loop, reason = "it breaks with a value")]
fn labelled_jumps_cross_several_blocks_and_carry_their_value() {
    #[must_cleanup]
    async fn found(log: &SharedLog, wanted: u32) -> Option<String> {
        let found = 'search: loop {
            #[cleanup(async { a.close().await })]
            let a = Conn::open("a", log).await;
            let _ = &a;
            let mut n = 0;
            'inner: while n < 3 {
                n += 1;
                #[cleanup(async { b.close().await })]
                let mut b = Conn::open("b", log).await;
                for turn in 0..2 {
                    #[cleanup(async { c.close().await })]
                    let c = Conn::open("c", log).await;
                    let _ = &c;
                    if n == wanted {
                        break 'search Some(format!("{n}.{turn}"));
                    }
                    if turn == 0 {
                        continue 'inner;
                    }
                }
                b.query(99).await.ok()?;
            }
            break 'search None;
        };
        log.note("after");
        found
    }
    let log = SharedLog::new();
    assert_eq!(run(is_send(found(&log, 2))), Some("2.0".to_owned()));
    assert_eq!(log.take(), "+a +b +c -c -b +b +c -c -b -a after");
    assert_eq!(run(found(&log, 9)), None);
    assert_eq!(log.take(), "+a +b +c -c -b +b +c -c -b +b +c -c -b -a after");
}

#[test]
fn a_guarded_statement_that_fails_has_no_cleanup() {
    #[must_cleanup]
    async fn announce(log: &SharedLog, n: u32) -> Result<u32, &'static str> {
        let mut registry = Conn::open("r", log).await;
        let undo = log.clone();
        #[cleanup(async { undo.note("withdraw") })]
        registry.query(n).await?;
        registry.query(13).await
    }
    let log = SharedLog::new();
    assert_eq!(run(announce(&log, 13)), Err("unlucky"));
    assert_eq!(log.take(), "+r r13");
    assert_eq!(run(announce(&log, 1)), Err("unlucky"));
    assert_eq!(log.take(), "+r r1 r13 withdraw");
}

#[test]
fn a_handle_runs_or_dismisses_an_async_cleanup_early() {
    #[must_cleanup]
    async fn early(log: &SharedLog, way: u32) -> Option<Conn> {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        match way {
            0 => drop(a),
            1 => Guard::run(a).await,
            _ => return Some(Guard::dismiss(a)),
        }
        log.note("after");
        None
    }
    let log = SharedLog::new();
    assert!(run(is_send(early(&log, 0))).is_none());
    assert_eq!(log.take(), "+a -a after");
    assert!(run(early(&log, 1)).is_none());
    assert_eq!(log.take(), "+a -a after");
    assert!(run(early(&log, 2)).is_some());
    assert_eq!(log.take(), "+a");
}

#[test]
fn every_type_that_question_takes_leaves_through_an_async_cleanup() {
    #[derive(Debug, PartialEq)]
    struct Wrapped(&'static str);
    impl From<&'static str> for Wrapped {
        fn from(text: &'static str) -> Self {
            Self(text)
        }
    }
    #[must_cleanup]
    async fn option(log: &SharedLog) -> Option<u32> {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        let n = a.name.parse::<u32>().ok()?;
        Some(n)
    }
    #[must_cleanup]
    async fn control(log: &SharedLog) -> ControlFlow<&'static str, u32> {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        ControlFlow::<_, u32>::Break(a.name)?;
        ControlFlow::Continue(1)
    }
    #[must_cleanup]
    async fn converted(log: &SharedLog) -> Result<impl Iterator<Item = u32>, Wrapped> {
        #[cleanup(async { a.close().await })]
        let mut a = Conn::open("a", log).await;
        let first = a.query(7).await? + a.query(13).await?;
        Ok(std::iter::once(first))
    }
    #[must_cleanup]
    async fn boxed(log: &SharedLog) -> Result<Box<dyn Fn() -> u32>, Box<dyn std::error::Error>> {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        let length = a.name.len();
        if length == 2 {
            return Ok(Box::new(|| 2));
        }
        let n: u32 = "7".parse()?;
        Ok(Box::new(move || n))
    }
    let log = SharedLog::new();
    assert_eq!(run(option(&log)), None);
    assert_eq!(run(control(&log)), ControlFlow::Break("a"));
    assert_eq!(run(converted(&log)).map(|_| ()), Err(Wrapped("unlucky")));
    assert_eq!(run(boxed(&log)).expect("7 is a number")(), 7);
    assert_eq!(log.take(), "+a -a +a -a +a a7 a13 -a +a -a");
}

#[test]
fn temporaries_of_the_body_are_gone_before_the_cleanup_is_awaited() {
    use std::sync::{Mutex, PoisonError};
    #[must_cleanup]
    async fn locked(log: &SharedLog, lock: &Mutex<Option<u32>>) -> Result<u32, &'static str> {
        let held = log.clone();
        #[cleanup(async { held.note("cleanup") })]
        let _a = 1;
        let n =
            lock.lock().unwrap_or_else(PoisonError::into_inner).as_ref().copied().ok_or("none")?;
        Ok(n)
    }
    let log = SharedLog::new();
    let lock = Mutex::new(None);
    // The guard of the lock is no part of the future.
    assert_eq!(run(is_send(locked(&log, &lock))), Err("none"));
    assert!(lock.try_lock().is_ok());
    assert_eq!(log.take(), "cleanup");
}

#[test]
#[allow(clippy::never_loop, reason = "`select!` in a loop, as it is written")]
fn both_kinds_of_select_leave_with_their_cleanups_awaited() {
    #[must_cleanup]
    async fn tokios(log: &SharedLog, n: u32) -> Result<u32, &'static str> {
        #[cleanup(async { a.close().await })]
        let mut a = Conn::open("a", log).await;
        loop {
            tokio::select! {
                biased;
                got = a.query(n), if n > 0 => {
                    let got = got?;
                    if got == 1 {
                        break Ok(got);
                    }
                    return Ok(got * 2);
                }
                () = yield_now() => return Err("nothing to wait for"),
                else => unreachable!(),
            }
        }
    }
    #[must_cleanup]
    async fn futures_(log: &SharedLog) -> Result<u32, &'static str> {
        use futures::FutureExt as _;
        #[cleanup(async { a.close().await })]
        let mut a = Conn::open("a", log).await;
        let got = futures::select! {
            got = a.query(13).fuse() => got?,
            complete => 0,
        };
        Ok(got)
    }
    let log = SharedLog::new();
    assert_eq!(run(tokios(&log, 1)), Ok(1));
    assert_eq!(run(tokios(&log, 3)), Ok(6));
    assert_eq!(run(tokios(&log, 13)), Err("unlucky"));
    assert_eq!(run(tokios(&log, 0)), Err("nothing to wait for"));
    assert_eq!(run(futures_(&log)), Err("unlucky"));
    assert_eq!(log.take(), "+a a1 -a +a a3 -a +a a13 -a +a -a +a a13 -a");
}

#[test]
fn a_body_that_ends_in_a_loop_or_a_panic_has_no_end_of_its_own() {
    #[must_cleanup]
    async fn endless(log: &SharedLog) -> u32 {
        #[cleanup(async { a.close().await })]
        let a = Conn::open("a", log).await;
        let mut n = 0;
        loop {
            n += 1;
            yield_now().await;
            if n == 3 {
                return n + u32::try_from(a.name.len()).unwrap_or(0);
            }
        }
    }
    let log = SharedLog::new();
    assert_eq!(run(endless(&log)), 4);
    assert_eq!(log.take(), "+a -a");
}

#[test]
fn a_cleanup_in_an_inner_block_is_awaited_at_its_end() {
    #[must_cleanup]
    async fn blocks(log: &SharedLog, early: bool) -> u32 {
        let got = {
            #[cleanup(async { a.close().await })]
            let mut a = Conn::open("a", log).await;
            if early {
                return 0;
            }
            a.query(1).await.unwrap_or(9)
        };
        log.note("between");
        let more = if got == 1 {
            #[cleanup(async { b.close().await })]
            let b = Conn::open("b", log).await;
            b.name.len()
        } else {
            0
        };
        log.note("end");
        got + u32::try_from(more).unwrap_or(0)
    }
    let log = SharedLog::new();
    assert_eq!(run(is_send(blocks(&log, false))), 2);
    assert_eq!(log.take(), "+a a1 -a between +b -b end");
    assert_eq!(run(blocks(&log, true)), 0);
    assert_eq!(log.take(), "+a -a");
}

#[test]
fn a_future_that_is_dropped_in_a_macro_that_waits_is_cancelled() {
    use std::future::pending;
    #[must_cleanup]
    async fn waits(log: &SharedLog, way: u8) -> Result<(), &'static str> {
        #[cleanup(log.note("cancel"), on = cancel)]
        let _a = 1;
        #[cleanup(log.note("other"), on = [success, error, unwind])]
        let way = way;
        match *way {
            0 => {
                tokio::select! {
                    () = pending() => return Err("never"),
                    got = pending::<Result<(), _>>() => got?,
                }
            }
            1 => {
                let ((), ()) = tokio::join!(pending(), yield_now());
            }
            2 => {
                tokio::try_join!(pending::<Result<(), &str>>(), async { Ok(()) })?;
            }
            3 => {
                use futures::FutureExt as _;
                futures::select! { () = pending().fuse() => {} }
            }
            _ => assert!(pending::<bool>().await),
        }
        Ok(())
    }
    let log = SharedLog::new();
    for way in 0..=4 {
        assert_eq!(backstop_tests_tokio::polled(2, waits(&log, way)), None);
        assert_eq!(log.take(), "cancel", "way {way}");
    }
}
