//! Ways to spawn that are not a call of `thread::spawn`.

use backstop::scoped_spawn;
use std::thread;

macro_rules! run {
    ($($body:tt)*) => {
        $($body)*
    };
}

#[scoped_spawn]
fn passed_on(jobs: Vec<fn()>) -> Vec<thread::JoinHandle<()>> {
    jobs.into_iter().map(thread::spawn).collect()
}

#[scoped_spawn]
fn aliased() {
    use std::thread as t;
    let start = t::spawn::<fn(), ()>;
    start(|| {});
}

#[scoped_spawn]
fn in_an_unknown_macro() {
    run! { thread::spawn(|| {}); }
}

fn main() {
    passed_on(vec![]);
    aliased();
    in_an_unknown_macro();
}
