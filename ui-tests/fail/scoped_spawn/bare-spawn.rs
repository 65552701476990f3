use backstop::scoped_spawn;
use std::thread::spawn;

#[scoped_spawn]
fn which_one_is_not_seen_here() {
    spawn(|| {});
    let handle = spawn(|| 1);
    handle.join().unwrap();
}

fn main() {
    which_one_is_not_seen_here();
}
