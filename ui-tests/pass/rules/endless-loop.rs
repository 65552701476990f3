#![deny(warnings)]

use backstop::must_cleanup;

fn poll() -> bool {
    true
}

#[must_cleanup]
fn accepted() -> Option<bool> {
    loop {
        if poll() {
            break;
        }
    }
    loop {
        let done = Some(poll())?;
        if done {
            return Some(done);
        }
    }
}

#[must_cleanup]
fn allowed() {
    #[allow_skip(endless_loop, reason = "the main loop of a device")]
    loop {
        poll();
    }
}

fn main() {
    accepted();
    let _ = allowed as fn();
}
