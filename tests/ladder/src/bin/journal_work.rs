//! Registers, commits and withdraws files with the journal until it is killed, on several threads,
//! and says each step on stdout: before it, where the step may or may not be found afterwards, and
//! after it, once it is promised.
//!
//! Arguments: the journal, the directory of the files, a seed, how many registrations a thread holds.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use backstop::__private::journal::{self, Registration};
use backstop::Action;

static KEY: AtomicU64 = AtomicU64::new(1);

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args_os().collect();
    let number = |at: usize| arguments[at].to_str().unwrap().parse::<u64>().unwrap();
    let (seed, held) = (number(3), usize::try_from(number(4)).unwrap());
    journal::open(Some(Path::new(&arguments[1])))?;
    thread::scope(|s| {
        for thread in 1..=3 {
            let files = Path::new(&arguments[2]);
            s.spawn(move || work(files, seed.wrapping_mul(97) + thread, held).unwrap());
        }
    });
    Ok(())
}

fn work(files: &Path, mut random: u64, held: usize) -> io::Result<()> {
    let mut registrations = VecDeque::new();
    loop {
        let key = KEY.fetch_add(1, Ordering::Relaxed);
        let file = files.join(key.to_string());
        let mut registration = Registration::intend(key, Action::remove_file(&file))?;
        fs::write(&file, b"")?;
        registration.commit()?;
        say("committed", key);
        registrations.push_back((key, registration));
        while registrations.len() > held {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (key, registration) = registrations.pop_front().unwrap();
            say("withdrawing", key);
            if random >> 63 == 0 {
                fs::remove_file(files.join(key.to_string()))?;
                registration.forget()?;
            } else {
                registration.forget()?;
                say("dismissed", key);
            }
        }
    }
}

/// One write, so that a kill leaves no half of it.
fn say(what: &str, key: u64) {
    let line = format!("{what} {key}\n");
    assert_eq!(io::stdout().write(line.as_bytes()).unwrap(), line.len());
}
