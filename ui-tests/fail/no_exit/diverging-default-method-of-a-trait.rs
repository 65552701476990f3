//! The attribute on a default method, and on the whole trait.

use backstop::no_exit;

trait One {
    fn give_up(&self) -> !;

    #[no_exit]
    fn run(&self) {
        self.give_up();
    }
}

#[no_exit]
trait Two {
    /// Has no body here, so nobody checked it.
    fn give_up(&self) -> !;

    fn run(&self) {
        self.give_up();
    }
}

struct Job;

impl One for Job {
    fn give_up(&self) -> ! {
        std::process::exit(1)
    }
}

impl Two for Job {
    fn give_up(&self) -> ! {
        std::process::exit(1)
    }
}

fn main() {
    One::run(&Job);
    Two::run(&Job);
}
