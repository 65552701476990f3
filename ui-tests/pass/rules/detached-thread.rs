#![deny(warnings)]

use backstop::scoped_spawn;

#[scoped_spawn]
fn accepted(names: &[String]) -> usize {
    let longest = std::thread::spawn(|| names.iter().map(String::len).max());
    longest.join().unwrap().unwrap_or(0)
}

#[scoped_spawn]
fn allowed() {
    #[allow_skip(detached_thread, reason = "a watchdog for the whole process")]
    std::thread::spawn(|| {});
}

fn main() {
    assert_eq!(accepted(&[String::from("ab")]), 2);
    allowed();
}
