//! Ends while threads own what others wait for and go on making things, as its first argument says. The
//! second is a directory.
#![allow(unsafe_code, reason = "`atexit` has no safe form")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use backstop::__private::{Site, announce_exit, exit_entry, set_exit_limit};
use backstop::{Survives, scratch};
use backstop_tests_ladder::exit::{hang, say};

static SITE: Site = Site::new("gate");
static PROGRAMS: Mutex<()> = Mutex::new(());

fn lock() -> MutexGuard<'static, ()> {
    PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make_and_remove(directory: &Path) {
    let _file = scratch::file_in(directory, Survives::Exit);
}

fn main() {
    let mut arguments = env::args_os().skip(1);
    let what = arguments.next().expect("what").into_string().expect("text");
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    match what.as_str() {
        "owner" => owner(directory),
        "owners" => owners(&directory),
        "joined" => joined(directory),
        other => panic!("what is {other}?"),
    }
}

/// One thread's guard is running a cleanup that needs the lock of another thread, which makes things.
fn owner(directory: PathBuf) -> ! {
    let (tell, ending) = mpsc::channel();
    let (own, owned) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    thread::spawn(move || {
        let guard = lock();
        own.send(()).expect("main waits");
        ending.recv().expect("the hook tells");
        let begin = Instant::now();
        // The hook gets to what it holds threads for.
        while begin.elapsed() < Duration::from_millis(300) {
            make_and_remove(&directory);
        }
        drop(guard);
        hang()
    });
    owned.recv().expect("the thread locks");
    thread::spawn(move || {
        let entry = exit_entry(&SITE, move || {
            begin.send(()).expect("main waits");
            drop(lock());
            say("cleaned");
        });
        let _ = entry.run();
        hang()
    });
    begun.recv().expect("the cleanup begins");
    let _told = exit_entry(&SITE, move || tell.send(()).expect("the thread waits"));
    process::exit(7)
}

/// Half of the threads make things under the lock; the cleanups of the other half need it.
fn owners(directory: &Path) -> ! {
    let (run, running) = mpsc::channel();
    for number in 0..4 {
        let (directory, run) = (directory.to_owned(), run.clone());
        thread::spawn(move || {
            loop {
                if number % 2 == 0 {
                    let _guard = lock();
                    make_and_remove(&directory);
                } else {
                    let entry = announce_exit().exit_entry(&SITE, || drop(lock()));
                    let _ = entry.run();
                }
                let _ = run.send(number);
                // The lock is not a fair one.
                thread::sleep(Duration::from_micros(100));
            }
        });
    }
    let mut seen = [false; 4];
    while seen != [true; 4] {
        seen[running.recv().expect("threads run")] = true;
    }
    process::exit(7)
}

static STOP: AtomicBool = AtomicBool::new(false);
static MAKER: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);

/// What runs behind the hook waits for a thread that makes things.
fn joined(directory: PathBuf) -> ! {
    extern "C" fn join() {
        STOP.store(true, Ordering::SeqCst);
        let maker = MAKER.lock().unwrap_or_else(PoisonError::into_inner).take();
        let joined = maker.expect("it was started").join();
        say(if joined.is_ok() { "joined" } else { "panicked" });
    }
    set_exit_limit(Duration::from_millis(100));
    // SAFETY: the handler is a function. Registered before the hook's, it runs behind that.
    unsafe { libc::atexit(join) };
    let (run, running) = mpsc::channel();
    let maker = thread::spawn(move || {
        while !STOP.load(Ordering::SeqCst) {
            make_and_remove(&directory);
            let _ = run.send(());
        }
    });
    *MAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(maker);
    running.recv().expect("the thread runs");
    process::exit(7)
}
