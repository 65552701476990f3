//! What a macro of an annotated module expands to is the body's where it is called.

use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit]
mod exits {
    macro_rules! die {
        () => {
            std::process::exit(1)
        };
    }

    pub fn stop() {
        die!();
    }
}

#[scoped_spawn]
mod spawns {
    macro_rules! background {
        ($job:expr) => {
            std::thread::spawn($job)
        };
    }

    pub fn start() {
        background!(|| {});
    }
}

#[must_cleanup]
mod forgets {
    #[allow_skip(mem_forget, reason = "leaked on purpose")]
    macro_rules! keep {
        ($value:expr) => {
            std::mem::forget($value)
        };
    }

    pub fn leak() {
        keep!(String::new());
    }
}

fn main() {
    exits::stop();
    spawns::start();
    forgets::leak();
}
