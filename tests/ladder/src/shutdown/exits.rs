//! `backstop::exit`, from everywhere.

use std::panic::catch_unwind;
use std::thread;

use backstop::{cancel_token, must_cleanup};

use super::{Told, say, stuck};

/// Exits where it is dropped.
struct Exits;

impl Drop for Exits {
    fn drop(&mut self) {
        say("about to exit");
        backstop::exit(3);
    }
}

pub(super) fn play(part: &str) {
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
        "exit_from_a_scope" => exit_from_a_scope(),
        "exit_from_two_children" => exit_from_two_children(),
        "exit_inside_catch_unwind" => {
            let caught = catch_unwind(|| backstop::exit(3));
            say(if caught.is_err() { "caught" } else { "not caught" });
        }
        "exit_while_panicking" => {
            let _exits = Exits;
            panic!("before the exit");
        }
        "exit_in_a_destructor" => {
            drop(Exits);
            say("not reached");
        }
        "exit_in_a_cleanup" => exit_in_a_cleanup(),
        "exit_after_main" => {
            extern "C" fn exits() {
                say("after main");
                backstop::exit(3);
            }
            // SAFETY: the handler takes nothing and lives as long as the program.
            let registered = unsafe { libc::atexit(exits) };
            assert_eq!(registered, 0);
        }
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

fn exit_from_a_scope() {
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

fn exit_from_two_children() {
    backstop::scope(|s| {
        for _ in 0..2 {
            s.spawn(|| backstop::exit(3));
        }
    });
    say("not reached");
}
