#![deny(deprecated)]

use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit(allow(process_exit, reason = "nothing exits here"))]
fn in_no_exit() {}

#[must_cleanup(allow(mem_forget, process_exit, reason = "one of the two is used"))]
fn in_must_cleanup(name: String) {
    std::mem::forget(name);
}

#[scoped_spawn(allow(detached_thread, reason = "nothing is spawned"))]
fn in_scoped_spawn() {}

#[no_exit(allow(mem_forget, reason = "not this attribute's business"))]
fn of_another_group(name: String) {
    std::mem::forget(name);
}

#[no_exit(allow(diverging_call, reason = "nothing diverges here"))]
fn by_type() {
    println!("x");
}

#[no_exit(allow(process_exit, reason = "one"), allow(process_exit, reason = "two"))]
fn allowed_twice() {
    std::process::exit(1);
}

fn main() {
    in_no_exit();
    in_must_cleanup(String::new());
    in_scoped_spawn();
    of_another_group(String::new());
    by_type();
    allowed_twice();
}
