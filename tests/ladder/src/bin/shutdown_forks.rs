//! A program under `#[backstop::main]` whose forked child registers a cleanup of its own.
#![allow(unsafe_code, reason = "`fork` has no safe form")]

use backstop_tests_ladder::exit::{hang, say, saying};

#[backstop::main]
fn main() {
    let _parent = saying("parent's");
    // SAFETY: the child takes no lock that another thread may hold.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let _own = saying("child's own");
        say("ready");
        hang()
    }
    say(&child.to_string());
    let mut status = 0;
    // SAFETY: room for the status.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    say(&format!("child ended by {}", libc::WTERMSIG(status)));
}
