//! Ends while one of its cleanups does what its first argument names. The second is how to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};
use std::{env, hint, process, thread};

use backstop::__private::{ExitEntry, Site, announce_exit, exit_entry, run_exit, set_exit_limit};
use backstop_tests_ladder::exit::{await_test, hang, say, saying};

/// For all cleanups together. A cleanup that hangs takes half of what is left, and the rest is to be
/// enough for the others on a busy machine.
fn limit(fault: &str) -> Duration {
    Duration::from_secs(match fault {
        // Four of them leave half a second.
        "several-hang" => 8,
        "is-slow" => 10,
        // Not waited for at all.
        "exits-while-running"
        | "aborts-while-running"
        | "exits-while-announcing"
        | "announces-for-ever"
        | "announces-and-works" => 3_600,
        _ => 4,
    })
}

/// More than half of the limit, and far less than the whole.
const SLOW: Duration = Duration::from_secs(6);

fn main() {
    let mut arguments = env::args().skip(1);
    let fault = arguments.next().expect("a fault");
    let way = arguments.next().expect("a way to end");
    set_exit_limit(limit(&fault));
    let _first = saying("first");
    let _faulty = faulty(&fault);
    let _last = saying("last");
    match way.as_str() {
        "exit" => process::exit(7),
        "abort" => process::abort(),
        "await" => {
            say("ready");
            hang()
        }
        "run-all" => run_all(limit(&fault)),
        other => panic!("no way to end: {other}"),
    }
}

/// A cleanup under a name of its own, for the reports.
fn entry(cleanup: impl FnOnce() + Send + 'static) -> ExitEntry {
    static FAULTY: Site = Site::new("faulty");
    exit_entry(&FAULTY, cleanup)
}

#[allow(clippy::too_many_lines, reason = "a list")]
fn faulty(fault: &str) -> Vec<ExitEntry> {
    let one = |cleanup: Box<dyn FnOnce() + Send>| vec![entry(cleanup)];
    match fault {
        "none" => Vec::new(),
        "hangs" => one(Box::new(|| hang())),
        "spins" => one(Box::new(|| {
            loop {
                std::hint::spin_loop();
            }
        })),
        "several-hang" => (0..4).map(|_| entry(|| hang())).collect(),
        "many-hang" => (0..40).map(|_| entry(|| hang())).collect(),
        "deadlocks" => {
            let lock = Arc::new(Mutex::new(()));
            let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(held);
            one(Box::new(move || drop(lock.lock())))
        }
        "is-slow" => one(Box::new(|| {
            let until = Instant::now() + SLOW;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                thread::sleep(left);
            }
            say("slow");
        })),
        "panics" => one(Box::new(|| panic!("in a cleanup"))),
        "panics-with-a-panic" => one(Box::new(|| {
            struct Panics;
            impl Drop for Panics {
                fn drop(&mut self) {
                    panic!("a payload's destructor");
                }
            }
            std::panic::panic_any(Panics)
        })),
        "fails" => {
            static SITE: Site = Site::new("failing");
            vec![exit_entry(&SITE, || Err::<(), _>("disk full"))]
        }
        "aborts" => one(Box::new(|| process::abort())),
        "overflows" => one(Box::new(|| println!("{}", overflow(0)))),
        "exits" => one(Box::new(|| process::exit(3))),
        "registers" => one(Box::new(|| {
            let inner = saying("inner");
            say("outer");
            drop(inner.run());
        })),
        "registers-in-thread" => one(Box::new(|| {
            let spawned = thread::spawn(|| drop(saying("inner")));
            drop(spawned.join());
            say("outer");
        })),
        "announces-in-thread" => one(Box::new(|| {
            let spawned = thread::spawn(|| {
                static SITE: Site = Site::new("announced");
                let announced = announce_exit();
                drop(announced.exit_entry(&SITE, || say("inner")));
            });
            drop(spawned.join());
            say("outer");
        })),
        "withdraws-another" => {
            let other = saying("withdrawn by another");
            one(Box::new(move || drop(other)))
        }
        "runs-another" => {
            let other = saying("run by another");
            one(Box::new(move || drop(other.run())))
        }
        "is-running-elsewhere" => {
            let (sender, ready) = mpsc::channel();
            thread::spawn(move || {
                let entry = entry(move || {
                    let _ = sender.send(());
                    await_test();
                    say("ran elsewhere");
                });
                drop(entry.run());
            });
            let _ = ready.recv();
            say("running");
            Vec::new()
        }
        "exits-while-running" => {
            drop(entry(|| process::exit(5)).run());
            Vec::new()
        }
        "aborts-while-running" => {
            drop(entry(|| process::abort()).run());
            Vec::new()
        }
        "exits-while-announcing" => {
            let _announced = announce_exit();
            process::exit(5)
        }
        "announces-for-ever" => {
            let (sender, ready) = mpsc::channel();
            thread::spawn(move || {
                let _announced = announce_exit();
                let _ = sender.send(());
                hang()
            });
            let _ = ready.recv();
            Vec::new()
        }
        "announces-and-works" => {
            static ENDS: AtomicBool = AtomicBool::new(false);
            let (sender, ready) = mpsc::channel();
            thread::spawn(move || {
                static SITE: Site = Site::new("announced");
                let announced = announce_exit();
                let _ = sender.send(());
                // What keeps a thread of a busy machine: others.
                while !ENDS.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
                let ends = Instant::now();
                while ends.elapsed() < Duration::from_secs(1) {
                    hint::spin_loop();
                }
                drop(announced.exit_entry(&SITE, || say("made at last")));
            });
            let _ = ready.recv();
            one(Box::new(|| ENDS.store(true, Ordering::Relaxed)))
        }
        "is-registered-at-exit" => {
            extern "C" fn at_exit() {
                drop(saying("late"));
                let announced = announce_exit();
                drop(announced);
                say("at exit");
            }
            // SAFETY: no preconditions.
            #[allow(unsafe_code)]
            unsafe {
                libc::atexit(at_exit);
            }
            // So that the hook is over when the handler runs.
            run_all(limit(fault));
            Vec::new()
        }
        other => panic!("no fault: {other}"),
    }
}

#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    overflow(frame[0] + 1) + frame[63]
}

/// As a shutdown does: twice, and from two threads at once.
fn run_all(limit: Duration) {
    let threads = [(); 2].map(|()| thread::spawn(move || run_exit(limit)));
    let reports = threads.map(|thread| thread.join().expect("no panic"));
    assert_eq!(reports[0], reports[1], "all get the report of the one end");
    // Nothing is left to do, or to wait for.
    assert_eq!(run_exit(Duration::from_secs(3_600)), reports[0]);
    let [(ran, left), _] = reports;
    say(&format!("ran {ran}"));
    left.lines().for_each(say);
}
