use backstop::scoped_spawn;
use std::thread;

#[scoped_spawn]
fn names() {
    thread::spawn(|| {});
    scope0.spawn(|| {});
    let _ = scope1;
}

fn main() {
    names();
}
