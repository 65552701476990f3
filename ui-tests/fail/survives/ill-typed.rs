// A wrong type for a rung names the rung and the way out; nothing else is said of it.
use std::cell::Cell;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use backstop::{defer, must_cleanup};

#[must_cleanup]
fn called_instead_of_passed(dir: &Path) {
    #[cleanup(fs::remove_dir_all(dir), survives = exit)]
    let _open = 1;
}

#[must_cleanup]
fn closure_above_exit(count: usize) {
    #[cleanup(move || println!("{count}"), survives = kill)]
    let _killed = 1;

    #[cleanup(move || println!("{count}"), survives = reboot)]
    let _rebooted = 2;
}

#[must_cleanup]
fn path_instead_of_action(dir: &Path) {
    defer!(survives = kill, dir.to_owned());
}

#[must_cleanup]
fn not_send(count: Rc<Cell<u8>>) {
    #[cleanup(move || count.set(0), survives = exit)]
    let _open = 1;
}

#[must_cleanup]
fn borrowed(dir: &Path) {
    #[cleanup(move || fs::remove_dir_all(dir), survives = exit)]
    let _open = 1;
}

#[must_cleanup]
fn returns_a_number() {
    defer!(survives = exit, || 3);
}

#[must_cleanup]
fn moved_out(dir: String) {
    #[cleanup(move || drop(name), survives = exit)]
    let name = dir;
}

fn main() {
    called_instead_of_passed(Path::new("x"));
    closure_above_exit(1);
    path_instead_of_action(Path::new("x"));
    not_send(Rc::default());
    borrowed(Path::new("x"));
    returns_a_number();
    moved_out(String::new());
}
