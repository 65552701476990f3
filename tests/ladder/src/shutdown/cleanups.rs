//! What becomes of exit cleanups.

use std::mem;
use std::process::ExitCode;

use backstop::__private::{Site, exit_entry};
use backstop::{cancel_token, must_cleanup};

use super::{forks, say, stuck, tasks};

pub(super) fn play(part: &str) -> ExitCode {
    static SITE: Site = Site::new("scratch");
    if part == "cleanup_fails_after_main" {
        tasks::trace_to_nobody();
        fails("early");
        return LATE.with(|_| ExitCode::from(7));
    }
    let hangs = part == "cleanup_hangs";
    let exits = part == "cleanup_exits";
    // Forgotten, so that only the exit hook can run it.
    mem::forget(exit_entry(&SITE, move || {
        say("cleaned");
        if hangs {
            stuck();
        }
        if exits {
            backstop::exit(4);
        }
    }));
    match part {
        "cleanup_after_main" => {
            say("ready");
            say(&format!("{:?}", cancel_token().wait()));
            return ExitCode::from(7);
        }
        "cleanup_of_exit" => backstop::exit(3),
        "cleanup_of_the_parent" => forks::play("fork"),
        _ => {
            say("ready");
            stuck();
        }
    }
    ExitCode::SUCCESS
}

thread_local! {
    /// Dropped once `main` has ended, before any handler of the process's end.
    static LATE: Late = const { Late };
}

struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        fails("late");
    }
}

#[must_cleanup]
fn fails(name: &'static str) {
    #[cleanup(Err::<(), _>(name))]
    let name = name;
}
