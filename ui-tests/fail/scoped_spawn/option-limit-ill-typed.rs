use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn(limit)]
fn no_value() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = )]
fn empty_value() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = 0)]
fn zero() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = -1)]
fn negative() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = "8")]
fn string() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = 1.5)]
fn fraction() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit(8))]
fn list() {
    thread::spawn(|| {});
}

#[scoped_spawn(limit = 4, limit = 8)]
fn twice() {
    thread::spawn(|| {});
}

fn main() {
    no_value();
    empty_value();
    zero();
    negative();
    string();
    fraction();
    list();
    twice();
}
