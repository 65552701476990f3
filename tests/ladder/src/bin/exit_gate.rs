//! Ends while threads own what others wait for and go on making things, as its first argument says. The
//! second is a directory.
#![allow(unsafe_code, reason = "`atexit` has no safe form")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{env, process, thread};

use backstop::__private::{Site, announce_exit, exit_entry, set_exit_limit};
use backstop::{Survives, scratch};
use backstop_tests_ladder::exit::{hang, say};

static SITE: Site = Site::new("gate");
static PROGRAMS: Mutex<()> = Mutex::new(());
static MADE: AtomicU32 = AtomicU32::new(0);
static MAKER: Mutex<Option<(mpsc::Sender<()>, JoinHandle<()>)>> = Mutex::new(None);

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
        "running" => running(directory),
        "late" => late(directory),
        "joined" => joined(directory),
        other => panic!("what is {other}?"),
    }
}

/// Takes the lock, and makes things under it, also when the hook has come to hold threads. Returns once
/// it has the lock; what is returned tells it that the hook has begun.
fn make_with_lock(directory: PathBuf) -> mpsc::Sender<()> {
    let (tell, ending) = mpsc::channel();
    let (own, owned) = mpsc::channel();
    thread::spawn(move || {
        let guard = lock();
        own.send(()).expect("main waits");
        ending.recv().expect("the hook tells");
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_millis(300) {
            make_and_remove(&directory);
            MADE.fetch_add(1, Ordering::SeqCst);
        }
        drop(guard);
        hang()
    });
    owned.recv().expect("the thread locks");
    tell
}

/// A thread's guard is running a cleanup that needs the lock.
fn running(directory: PathBuf) -> ! {
    let tell = make_with_lock(directory);
    let (runs, begun) = mpsc::channel();
    thread::spawn(move || {
        let entry = exit_entry(&SITE, move || {
            runs.send(()).expect("main waits");
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

/// A thread comes to need the lock when its owner is held already.
fn late(directory: PathBuf) -> ! {
    let tell = make_with_lock(directory);
    let (ready, is_ready) = mpsc::channel();
    thread::spawn(move || {
        let announced = announce_exit();
        ready.send(()).expect("main waits");
        let mut made = None;
        // The hook waits for longer than this.
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(20));
            let before = made.replace(MADE.load(Ordering::SeqCst));
            if before == made && before > Some(0) {
                break;
            }
        }
        let cleanup = || {
            drop(lock());
            say("cleaned");
        };
        let _ = announced.exit_entry(&SITE, cleanup).run();
        hang()
    });
    is_ready.recv().expect("the thread announces");
    let _told = exit_entry(&SITE, move || tell.send(()).expect("the thread waits"));
    process::exit(7)
}

/// What runs behind the hook waits for a thread that makes something there.
fn joined(directory: PathBuf) -> ! {
    extern "C" fn join() {
        let maker = MAKER.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (go, maker) = maker.expect("it was started");
        go.send(()).expect("it waits");
        say(if maker.join().is_ok() { "joined" } else { "panicked" });
    }
    set_exit_limit(Duration::from_millis(100));
    // SAFETY: the handler is a function. Registered before the hook's, it runs behind that.
    unsafe { libc::atexit(join) };
    make_and_remove(&directory);
    let (go, going) = mpsc::channel();
    let maker = thread::spawn(move || {
        going.recv().expect("the handler tells");
        make_and_remove(&directory);
    });
    *MAKER.lock().unwrap_or_else(PoisonError::into_inner) = Some((go, maker));
    process::exit(7)
}
