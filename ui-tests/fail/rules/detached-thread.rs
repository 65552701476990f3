use backstop::scoped_spawn;
use std::thread::{self, JoinHandle};

#[scoped_spawn]
fn refused(jobs: Vec<fn()>) -> Vec<JoinHandle<()>> {
    jobs.into_iter().map(thread::spawn).collect()
}

fn main() {
    refused(vec![]);
}
