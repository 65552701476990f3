//! The parts that the programs of the `shutdown_*` tests play: the first argument says which.

mod cleanups;
mod exits;
mod forks;
mod goodbyes;
pub mod tasks;
mod wakers;

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use backstop::cancel_token;
use rustix::process::{Signal, getpid, kill_process};

/// Says something to the test, at once.
fn say(what: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{what}").and_then(|()| stdout.flush()).expect("the test listens");
}

/// Blocks for good, whatever the token says.
fn stuck() -> ! {
    loop {
        thread::park();
    }
}

/// Says so when it is dropped.
struct Told(&'static str);

impl Drop for Told {
    fn drop(&mut self) {
        say(self.0);
    }
}

/// Plays the part that the first argument names.
///
/// # Panics
///
/// If there is no such part, or if it is to panic.
#[must_use]
pub fn play() -> ExitCode {
    let part = std::env::args().nth(1).expect("a part");
    match part.as_str() {
        "nothing" => {}
        "return" => {
            say("ready");
            say(&format!("{:?}", cancel_token().wait()));
            return ExitCode::from(7);
        }
        "signal_first" => {
            kill_process(getpid(), Signal::TERM).expect("a signal to itself");
            say(&format!("{:?}", cancel_token().wait()));
            return ExitCode::from(7);
        }
        "stuck" => {
            say("ready");
            cancel_token().wait();
            say("asked");
            stuck();
        }
        "stuck_with_stderr" => {
            let _stderr = io::stderr().lock();
            say("ready");
            stuck();
        }
        "stuck_with_a_full_stderr" => {
            let (read, write) = rustix::pipe::pipe().expect("a pipe");
            rustix::stdio::dup2_stderr(&write).expect("another stderr");
            rustix::io::ioctl_fionbio(&write, true).expect("a pipe");
            while rustix::io::write(&write, &[b'.'; 4096]).is_ok() {}
            rustix::io::ioctl_fionbio(&write, false).expect("a pipe");
            let _open = read;
            say("ready");
            stuck();
        }
        "stuck_with_others" => stuck_with_others(),
        "stuck_with_a_hundred" => {
            let ready = Barrier::new(101);
            backstop::scope(|s| {
                for _ in 0..100 {
                    s.spawn(|| {
                        ready.wait();
                        stuck();
                    });
                }
                ready.wait();
                say("ready");
            });
        }
        "stuck_after_a_signal" => {
            say(&format!("pid {}", getpid().as_raw_nonzero()));
            kill_process(getpid(), Signal::TERM).expect("a signal to itself");
            say(&format!("{:?}", cancel_token().wait()));
            stuck();
        }
        "threads_have_the_root" => threads_have_the_root(),
        "answer" => {
            say("ready");
            for _ in io::stdin().lock().lines() {
                say(&format!("{:?}", cancel_token().cause()));
            }
        }
        "panic" => panic!("in main"),
        part if part.starts_with("cleanup") => return cleanups::play(part),
        part if part.starts_with("exit") => exits::play(part),
        part if part.starts_with("fork") => forks::play(part),
        part if part.starts_with("waker") => wakers::play(part),
        other => panic!("no such part: {other}"),
    }
    ExitCode::SUCCESS
}

fn stuck_with_others() -> ! {
    let unscoped = thread::Builder::new().name("unscoped".to_owned());
    unscoped.spawn(|| stuck()).expect("a thread");
    backstop::scope(|s| {
        s.child().name("short").spawn(|| {}).join().expect("it ends");
        s.child().name("in a\nscope").spawn(|| {
            say("ready");
            stuck();
        });
        stuck()
    })
}

fn threads_have_the_root() {
    let plain = thread::spawn(|| cancel_token().wait());
    let scoped = backstop::scope(|s| {
        let child = s.spawn(|| cancel_token().wait());
        say("ready");
        child.join().expect("it ends")
    });
    let plain = plain.join().expect("it ends");
    say(&format!("{plain:?} {scoped:?}"));
    // One that begins after the end was asked for.
    let late = thread::spawn(|| cancel_token().cause()).join().expect("it ends");
    say(&format!("{late:?}"));
}
