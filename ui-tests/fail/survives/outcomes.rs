// The end of the process is none of these outcomes.
use backstop::{defer, must_cleanup};

#[must_cleanup]
fn outcomes() {
    #[cleanup(|| println!("1"), on = success, survives = exit)]
    let _first = 1;
    #[cleanup(|| println!("2"), survives = kill, on = [error, unwind])]
    let _second = 2;
    defer!(on = unwind, survives = reboot, || println!("3"));
}

fn main() {
    outcomes();
}
