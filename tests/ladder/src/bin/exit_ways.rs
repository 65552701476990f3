//! Ends itself in the way that its argument names, with three cleanups registered by two threads.

use std::sync::mpsc;
use std::{env, process, thread};

use backstop_tests_ladder::exit::{await_test, hang, say, saying};

fn main() {
    let way = env::args().nth(1).expect("a way to end");
    let first = saying("first");
    let (ready, registered) = mpsc::channel();
    thread::spawn(move || {
        let _second = saying("second");
        ready.send(()).expect("main waits");
        hang()
    });
    registered.recv().expect("the thread registers");
    let third = saying("third");
    // Registered last, and withdrawn.
    drop(saying("withdrawn"));
    end(&way);
    drop((first, third));
}

fn end(way: &str) {
    match way {
        // The guards of `main` run; the thread's entry is left to the hook.
        "return" => {}
        "return-forgotten" => std::mem::forget(saying("forgotten")),
        "exit" => process::exit(7),
        "exit-in-thread" => {
            thread::spawn(|| process::exit(8));
            hang()
        }
        "exit-twice" => {
            thread::spawn(|| process::exit(9));
            process::exit(9)
        }
        "libc-exit" => {
            extern "C" fn at_exit() {
                say("at exit");
            }
            // SAFETY: functions without preconditions.
            #[allow(unsafe_code)]
            unsafe {
                libc::atexit(at_exit);
                libc::exit(10)
            }
        }
        "abort" => process::abort(),
        "abort-in-thread" => {
            thread::spawn(|| process::abort());
            hang()
        }
        "abort-twice" => {
            thread::spawn(|| process::abort());
            process::abort()
        }
        // SAFETY: no preconditions.
        #[allow(unsafe_code)]
        "raise" => unsafe {
            libc::raise(libc::SIGABRT);
        },
        "killed-by-abrt" => {
            say("ready");
            hang()
        }
        "panic" => panic!("on purpose"),
        "panic-in-thread" => {
            let _ = thread::spawn(|| panic!("on purpose")).join();
            process::exit(12)
        }
        "panic-in-panic" => {
            struct Panics;
            impl Drop for Panics {
                fn drop(&mut self) {
                    panic!("second");
                }
            }
            let _panics = Panics;
            panic!("first");
        }
        "panic-across-c" => {
            extern "C" fn callback() {
                panic!("in C");
            }
            callback();
        }
        "stack-overflow" => {
            println!("{}", overflow(0));
        }
        "stack-overflow-in-thread" => {
            thread::spawn(|| println!("{}", overflow(0)));
            hang()
        }
        "_exit" => {
            // SAFETY: no preconditions.
            #[allow(unsafe_code)]
            unsafe {
                libc::_exit(11)
            }
        }
        "await-test" => {
            say("ready");
            await_test();
        }
        other => panic!("no way to end: {other}"),
    }
}

#[allow(unconditional_recursion)]
fn overflow(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 64]);
    overflow(frame[0] + 1) + frame[63]
}
