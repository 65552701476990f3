use backstop::scoped_spawn;
use std::rc::Rc;
use std::thread;

#[scoped_spawn]
fn shares_what_is_not_shareable() {
    let count = Rc::new(1);
    thread::spawn(move || println!("{count}"));
}

fn main() {
    shares_what_is_not_shareable();
}
