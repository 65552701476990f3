//! What becomes of a forked child.

use backstop::cancel_token;
use rustix::process::{Pid, WaitOptions, getpid, waitpid};

use super::{Told, say, stuck};

pub(super) fn play(part: &str) {
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
