//! Forks without an `exec`, in the way that its argument names. What the child says begins with
//! "child".
#![allow(unsafe_code, reason = "`fork` has no safe form")]

use std::collections::BTreeSet;
use std::time::Duration;
use std::{env, process};

use backstop::__private::set_exit_limit;
use backstop::{OwnedPath, Survives};
use backstop_tests_ladder::exit::{say, saying};

fn main() {
    let way = env::args().nth(1).expect("a way");
    if way == "before" {
        // As a daemon does: nothing is registered yet.
        in_child(|| {
            let _child = saying("child's own");
            process::exit(3)
        });
        let _parent = saying("parent");
        process::exit(7);
    }
    let parent = saying("parent");
    match way.as_str() {
        "exit" => in_child(|| process::exit(3)),
        "abort" => in_child(|| process::abort()),
        "return" => in_child(|| {}),
        "terminated" => in_child(|| {
            // SAFETY: no preconditions.
            unsafe { libc::raise(libc::SIGTERM) };
        }),
        "registers" => in_child(|| {
            let _child = saying("child's own");
            process::exit(3)
        }),
        "registers-and-aborts" => in_child(|| {
            let _child = saying("child's own");
            process::abort()
        }),
        "registers-and-is-terminated" => in_child(|| {
            let _child = saying("child's own");
            // SAFETY: no preconditions.
            unsafe { libc::raise(libc::SIGTERM) };
            backstop_tests_ladder::exit::hang()
        }),
        "grandchild" => in_child(|| {
            let _child = saying("child's own");
            in_child(|| {
                let _grandchild = saying("child's child's own");
                process::exit(4)
            });
            process::exit(3)
        }),
        "guard" => {
            // SAFETY: this program has threads, but none that holds a lock by now.
            let child = unsafe { libc::fork() };
            if child == 0 {
                let _ = parent.run();
                process::exit(3)
            }
            wait(child);
            process::exit(7)
        }
        "withdraws" => {
            // SAFETY: as above.
            let child = unsafe { libc::fork() };
            if child == 0 {
                drop(parent);
                process::exit(3)
            }
            wait(child);
        }
        "bare" => {
            set_exit_limit(Duration::from_secs(3_600));
            // Without the C library's knowledge, and so without the hook's handler of forks.
            // SAFETY: as above.
            let child = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
            if child == 0 {
                // SAFETY: no preconditions.
                unsafe { libc::exit(3) }
            }
            wait(i32::try_from(child).expect("a process id"));
        }
        "spawn" => {
            let status = process::Command::new("true").status().expect("`true` runs");
            say(&format!("child: {status}"));
        }
        "others-create" => {
            for _ in 0..4 {
                std::thread::spawn(|| {
                    loop {
                        drop(scratch());
                    }
                });
            }
            let codes: BTreeSet<_> = (0..200)
                .map(|_| {
                    status_of(|| {
                        // SAFETY: no preconditions.
                        unsafe { libc::alarm(60) };
                        drop(scratch());
                        // SAFETY: no preconditions.
                        unsafe { libc::_exit(3) }
                    })
                })
                .collect();
            say(&format!("child: {codes:?}"));
        }
        other => panic!("no way: {other}"),
    }
    process::exit(7)
}

fn scratch() -> OwnedPath {
    backstop::scratch::dir(Survives::Exit).expect("a scratch directory")
}

/// Forks, and waits for the child, which exits after `child`.
fn in_child(child: impl FnOnce()) {
    say(&format!("child: {}", status_of(child)));
}

/// The same, and how it ended.
fn status_of(child: impl FnOnce()) -> String {
    // SAFETY: this program has threads, but none that holds a lock that the child takes.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        child();
        process::exit(2);
    }
    status(pid)
}

fn wait(pid: i32) {
    say(&format!("child: {}", status(pid)));
}

fn status(pid: i32) -> String {
    let mut status = 0;
    // SAFETY: room for the status.
    unsafe { libc::waitpid(pid, &raw mut status, 0) };
    if libc::WIFSIGNALED(status) {
        format!("signal {}", libc::WTERMSIG(status))
    } else {
        format!("code {}", libc::WEXITSTATUS(status))
    }
}
