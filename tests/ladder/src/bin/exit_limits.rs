//! Ends where something is scarce or was taken away, as its argument says.
#![allow(unsafe_code, reason = "limits and descriptors have no safe form")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{env, process, thread};
#[cfg(target_os = "linux")]
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use backstop::__private::{ExitEntry, Site, announce_exit, exit_entry, set_exit_limit};
use backstop_tests_ladder::exit::{hang, say, saying};

static SITE: Site = Site::new("counting");
static RAN: AtomicU32 = AtomicU32::new(0);

#[allow(clippy::too_many_lines, reason = "one arm a way")]
fn main() {
    match env::args().nth(1).expect("what").as_str() {
        "ten-thousand" => {
            // Says so last, for it is the first.
            set_exit_limit(Duration::from_secs(30));
            let _first = exit_entry(&SITE, || say(&RAN.load(Ordering::SeqCst).to_string()));
            let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| count(2_500))).collect();
            let _entries: Vec<_> =
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
            process::exit(7)
        }
        "in-order" => {
            let first = saying("0 of main");
            let (to_thread, from_main) = mpsc::channel();
            let (to_main, from_thread) = mpsc::channel();
            thread::spawn(move || {
                let mut entries = Vec::new();
                for name in from_main {
                    entries.push(saying(name));
                    to_main.send(()).expect("main waits");
                }
                hang()
            });
            let mut entries = vec![first];
            for [of_thread, of_main] in [["1 of thread", "2 of main"], ["3 of thread", "4 of main"]]
            {
                to_thread.send(of_thread).expect("the thread waits");
                from_thread.recv().expect("the thread registers");
                entries.push(saying(of_main));
            }
            process::exit(7)
        }
        // As a daemon does that trusts nobody.
        "closed-descriptors" => {
            let _entry = saying("cleaned");
            for descriptor in 3..1_024 {
                // SAFETY: std has none of them open here that it does not expect to be closed.
                unsafe { libc::close(descriptor) };
            }
            process::abort()
        }
        "no-descriptors" => {
            limit(libc::RLIMIT_NOFILE, 3);
            let _entry = saying("cleaned");
            process::abort()
        }
        "closed-stderr" => {
            set_exit_limit(Duration::from_secs(4));
            let _entry = saying("cleaned");
            let _hanging = exit_entry(&SITE, || -> () { hang() });
            // SAFETY: what is written there fails.
            unsafe { libc::close(2) };
            process::exit(7)
        }
        "no-limit" => {
            set_exit_limit(Duration::MAX);
            let _entry = saying("cleaned");
            process::exit(7)
        }
        "no-time" => {
            set_exit_limit(Duration::ZERO);
            let _entry = saying("cleaned");
            process::exit(7)
        }
        "thread-local" => {
            struct Local(Option<ExitEntry>);
            impl Drop for Local {
                fn drop(&mut self) {
                    drop(self.0.take());
                    say("local dropped");
                }
            }
            thread_local! {
                static LOCAL: Local = Local(Some(saying("of the thread")));
            }
            thread::spawn(|| LOCAL.with(|_| ())).join().expect("no panic");
            LOCAL.with(|_| say("made"));
            let _entry = saying("cleaned");
            process::exit(7)
        }
        "moved" => {
            let entry = saying("moved");
            let kept = saying("kept");
            thread::spawn(move || drop(entry)).join().expect("no panic");
            let run = thread::spawn(move || kept.run()).join().expect("no panic");
            drop(run);
            process::exit(7)
        }
        "owned" => {
            // What a cleanup owns is dropped once, whether it runs or is withdrawn.
            let owned = Arc::new(());
            let entry = |owned: &Arc<()>| {
                let owned = Arc::clone(owned);
                exit_entry(&SITE, move || drop(owned))
            };
            drop(entry(&owned));
            assert_eq!(Arc::strong_count(&owned), 1);
            drop(entry(&owned).run());
            assert_eq!(Arc::strong_count(&owned), 1);
        }
        #[cfg(target_os = "linux")]
        "no-threads" => {
            // Room for small things, and not for a stack.
            drop(std::hint::black_box(vec![1_u8; 100 << 10]));
            let pages = fs::read_to_string("/proc/self/statm").expect("a process");
            let pages: u64 = pages.split(' ').next().expect("a size").parse().expect("a number");
            soft_limit(libc::RLIMIT_AS, Some((pages << 12) + (128 << 10)));
            thread::Builder::new().spawn(|| ()).expect_err("no room for its stack");
            let _entries = [saying("first"), saying("second")];
            soft_limit(libc::RLIMIT_AS, None);
            let _entry = saying("third");
            say("ready");
            hang()
        }
        #[cfg(target_os = "linux")]
        "cut-short" => {
            set_exit_limit(Duration::from_secs(2));
            let directory = env::args_os().nth(2).expect("a directory");
            let made = backstop::scratch::dir_in(directory, backstop::Survives::Exit);
            fs::write(made.as_ref().expect("a directory").path().join("file"), "").expect("ours");
            // Each is left after half of the rest: an eighth of the time is left then.
            let _hanging = [(); 3].map(|()| exit_entry(&SITE, || -> () { hang() }));
            process::exit(7)
        }
        #[cfg(target_os = "linux")]
        "main-thread" => {
            let directory = env::args_os().nth(2).expect("a directory");
            thread::spawn(move || without_main_thread(&PathBuf::from(directory)));
            // SAFETY: ends this thread alone, and nothing on its stack is anybody else's.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
        }
        "held" => {
            // A thread that would create something after the last cleanup.
            let (ready, begun) = mpsc::channel();
            thread::spawn(move || {
                let _ = ready.send(());
                loop {
                    let announced = announce_exit();
                    say("created");
                    drop(announced.exit_entry(&SITE, || say("removed")).run());
                }
            });
            let _ = begun.recv();
            process::exit(7)
        }
        other => panic!("what is {other}?"),
    }
}

#[cfg(target_os = "linux")]
fn without_main_thread(directory: &Path) -> ! {
    use backstop::{Survives, create_dir, create_socket, scratch};

    while fs::metadata("/proc/self/fd/0").is_ok() {
        thread::yield_now();
    }
    let made = scratch::dir_in(directory, Survives::Exit).expect("a directory");
    fs::write(made.path().join("file"), "").expect("a file");
    let within = made.path().join("within");
    fs::create_dir(&within).expect("a directory");
    fs::set_permissions(within, fs::Permissions::from_mode(0o000)).expect("ours");
    let locked = create_dir(directory.join("locked"), Survives::Exit).expect("a directory");
    fs::set_permissions(locked.path(), fs::Permissions::from_mode(0o000)).expect("ours");
    let socket = create_socket(directory.join("socket"), Survives::Exit).expect("a socket");
    let file = scratch::file_in(directory, Survives::Exit).expect("a file");
    let _made = (made, locked, socket, file);
    say("made");
    hang()
}

fn count(entries: u32) -> Vec<ExitEntry> {
    let count = || {
        RAN.fetch_add(1, Ordering::SeqCst);
    };
    (0..entries).map(|_| exit_entry(&SITE, count)).collect()
}

fn limit(resource: libc::__rlimit_resource_t, limit: u64) {
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: limit };
    // SAFETY: a pointer to the new limit.
    unsafe { libc::setrlimit(resource, &raw const limit) };
}

/// As far as the hard one, where it is not given.
#[cfg(target_os = "linux")]
fn soft_limit(resource: libc::__rlimit_resource_t, soft: Option<u64>) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: room for the limit.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    limit.rlim_cur = soft.unwrap_or(limit.rlim_max);
    // SAFETY: a pointer to the new limit.
    unsafe { libc::setrlimit(resource, &raw const limit) };
}
