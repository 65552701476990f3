use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn(on_failure)]
fn no_value() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure = )]
fn empty_value() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure = abort)]
fn unknown_word() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure = "cancel")]
fn string() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure = [cancel, wait])]
fn list() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure(wait))]
fn parentheses() {
    thread::spawn(|| {});
}

#[scoped_spawn(on_failure = wait, on_failure = cancel)]
fn twice() {
    thread::spawn(|| {});
}

fn main() {
    no_value();
    empty_value();
    unknown_word();
    string();
    list();
    parentheses();
    twice();
}
