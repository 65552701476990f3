//! The parts that the programs of the `shutdown_*` tests play: the first argument says which.

use std::io::{self, BufRead as _, Write as _};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::Barrier;
use std::thread;

use backstop::{cancel_token, must_cleanup};
use rustix::process::{Pid, Signal, WaitOptions, getpid, kill_process, waitpid};

/// Says something to the test, at once.
pub fn say(what: &str) {
    let mut stdout = io::stdout();
    writeln!(stdout, "{what}").and_then(|()| stdout.flush()).expect("the test listens");
}

/// Blocks for good, whatever the token says.
pub fn stuck() -> ! {
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
        part if part.starts_with("exit") => exits(part),
        part if part.starts_with("fork") => forks(part),
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

/// `backstop::exit`, from everywhere.
fn exits(part: &str) {
    let _told = Told("main's destructor");
    match part {
        "exit" => {
            let _inner = Told("inner destructor");
            backstop::exit(3);
        }
        "exit_0" => backstop::exit(0),
        "exit_256" => backstop::exit(256),
        "exit_from_a_thread" => {
            let thread = thread::spawn(|| {
                let _inner = Told("thread's destructor");
                backstop::exit(3);
            });
            say(&format!("{:?}", cancel_token().wait()));
            let payload = thread.join().expect_err("it unwound");
            drop(payload);
        }
        "exit_from_a_thread_while_main_is_stuck" => {
            thread::spawn(|| backstop::exit(3));
            stuck();
        }
        "exit_from_a_scope" => {
            backstop::scope(|s| {
                s.spawn(|| {
                    let _sibling = Told("sibling's destructor");
                    cancel_token().wait();
                });
                s.spawn(|| {
                    let _child = Told("child's destructor");
                    backstop::exit(3);
                });
            });
            say("not reached");
        }
        "exit_from_two_children" => {
            backstop::scope(|s| {
                for _ in 0..2 {
                    s.spawn(|| backstop::exit(3));
                }
            });
            say("not reached");
        }
        "exit_inside_catch_unwind" => {
            let caught = catch_unwind(|| backstop::exit(3));
            say(if caught.is_err() { "caught" } else { "not caught" });
        }
        "exit_while_panicking" => {
            struct Exits;
            impl Drop for Exits {
                fn drop(&mut self) {
                    say("about to exit");
                    backstop::exit(3);
                }
            }
            let _exits = Exits;
            panic!("before the exit");
        }
        "exit_in_a_destructor" => {
            struct Exits;
            impl Drop for Exits {
                fn drop(&mut self) {
                    backstop::exit(3);
                }
            }
            drop(Exits);
            say("not reached");
        }
        "exit_in_a_cleanup" => exit_in_a_cleanup(),
        "exit_then_stuck" => {
            assert!(catch_unwind(|| backstop::exit(3)).is_err());
            say("ready");
            stuck();
        }
        "exit_twice" => {
            let first = catch_unwind(|| backstop::exit(3));
            let second = catch_unwind(|| backstop::exit(4));
            assert!(first.is_err() && second.is_err());
        }
        "exit_then_panic" => {
            let _ = catch_unwind(|| backstop::exit(3));
            panic!("after the exit");
        }
        "exit_0_then_panic" => {
            let _ = catch_unwind(|| backstop::exit(0));
            panic!("after the exit");
        }
        "exit_with_a_hook" => {
            std::panic::set_hook(Box::new(|_| say("the panic hook")));
            backstop::exit(3);
        }
        "exit_after_a_signal" => {
            say("ready");
            cancel_token().wait();
            thread::spawn(|| backstop::exit(3)).join().expect_err("it unwound");
        }
        "exit_in_a_detached_thread" => {
            drop(thread::spawn(|| backstop::exit(3)));
            stuck();
        }
        "exit_dropped_where_joined" => {
            let payload = thread::spawn(|| backstop::exit(3)).join().expect_err("it unwound");
            say("joined");
            drop(payload);
            say("not reached");
        }
        other => panic!("no such part: {other}"),
    }
}

fn exit_if(yes: bool) {
    if yes {
        backstop::exit(3);
    }
}

#[must_cleanup]
fn exit_in_a_cleanup() {
    #[cleanup(say("outer cleanup"))]
    let _outer = 0;
    #[cleanup(exit_if(exits))]
    let exits = true;
}

/// What becomes of a forked child.
fn forks(part: &str) {
    let _told = Told("main's destructor");
    // SAFETY: the child uses what does not depend on other threads: the program's only other one is
    // the supervisor, which waits and holds no lock.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        match part {
            "fork" => {
                say(&format!("child {}", getpid().as_raw_nonzero()));
                stuck();
            }
            "fork_exit" => backstop::exit(5),
            "fork_exit_while_panicking" => {
                struct Exits;
                impl Drop for Exits {
                    fn drop(&mut self) {
                        backstop::exit(5);
                    }
                }
                let _exits = Exits;
                std::panic::panic_any(0);
            }
            other => panic!("no such part: {other}"),
        }
    }
    let child = Pid::from_raw(child).expect("a child");
    let status = waitpid(Some(child), WaitOptions::empty()).expect("it ends").expect("it ended").1;
    say(&format!("{:?} {:?}", status.exit_status(), status.terminating_signal()));
    say(&format!("{:?}", cancel_token().cause()));
}
