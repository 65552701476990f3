//! Four threads create, register and remove files as fast as they can, until the process ends in the
//! way of the second argument. The first is the directory, the third the microseconds until then.
//!
//! `naive` in place of the way is the control: a locked map, and an `atexit` handler that removes what
//! is in it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use backstop::__private::{Site, announce_exit};
use backstop_tests_ladder::exit::{hang, say};

static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() {
    let mut arguments = env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let way = arguments.next().expect("a way").into_string().expect("text");
    let micros = arguments.next().expect("microseconds").into_string().expect("text");
    let work: fn(&Path) = if way == "naive" { naive } else { guarded };
    if way == "naive" {
        // SAFETY: the handler is a function.
        #[allow(unsafe_code)]
        unsafe {
            libc::atexit(remove_all);
        }
    }
    for _ in 0..4 {
        let directory = directory.clone();
        thread::spawn(move || {
            loop {
                work(&directory);
            }
        });
    }
    // One operation at least, so that there is something to clean up.
    work(&directory);
    say("ready");
    let begin = Instant::now();
    let micros = Duration::from_micros(micros.parse().expect("a number"));
    // Not a sleep, after which the threads would be at the same places each time.
    while begin.elapsed() < micros {
        std::hint::spin_loop();
    }
    match way.as_str() {
        "return" => {}
        "exit" | "naive" => process::exit(7),
        "abort" => process::abort(),
        "signal" => hang(),
        "thread" => {
            thread::spawn(|| process::exit(7));
            hang()
        }
        other => panic!("no way: {other}"),
    }
}

fn path(directory: &Path) -> PathBuf {
    directory.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string())
}

/// What an expansion does.
fn guarded(directory: &Path) {
    static SITE: Site = Site::new("file");
    let path = path(directory);
    let announced = announce_exit();
    fs::write(&path, "x").expect("the directory is there");
    let entry = announced.exit_entry(&SITE, move || fs::remove_file(&path));
    let _ = entry.run();
}

static REGISTRY: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);

fn naive(directory: &Path) {
    let path = path(directory);
    fs::write(&path, "x").expect("the directory is there");
    let registry = || REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    registry().insert(path.clone());
    registry().remove(&path);
    fs::remove_file(&path).expect("the file is there");
}

extern "C" fn remove_all() {
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    for path in &*registry {
        let _ = fs::remove_file(path);
    }
}
