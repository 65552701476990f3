use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn(deadline = "5s")]
fn deadline() {
    thread::spawn(|| {});
}

#[scoped_spawn(timeout = "5s")]
fn timeout() {
    thread::spawn(|| {});
}

#[scoped_spawn(local)]
fn local() {
    thread::spawn(|| {});
}

#[scoped_spawn(unwinds(die))]
fn of_another_attribute() {
    thread::spawn(|| {});
}

fn main() {
    deadline();
    timeout();
    local();
    of_another_attribute();
}
