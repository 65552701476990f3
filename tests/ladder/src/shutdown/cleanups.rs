//! What becomes of exit cleanups.

use std::mem;
use std::process::ExitCode;

use backstop::__private::{Site, exit_entry};
use backstop::cancel_token;

use super::{forks, say, stuck};

pub(super) fn play(part: &str) -> ExitCode {
    static SITE: Site = Site::new("scratch");
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
