use backstop::{must_cleanup, no_exit};

fn take(_: String) {}

#[no_exit]
fn in_no_exit() {
    let name = String::new();
    take(name);
    take(name);
}

#[must_cleanup]
fn in_must_cleanup() {
    #[cleanup(take(name))]
    let name = String::new();
    let borrowed = &name;
    drop(name);
    println!("{borrowed}");
}

#[must_cleanup]
fn immutable() {
    #[cleanup(take(name))]
    let name = String::new();
    name.push('x');
}

fn main() {
    in_no_exit();
    in_must_cleanup();
    immutable();
}
