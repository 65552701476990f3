//! What is refused by name does not hide what is refused by type.

use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn in_one_function(x: u8) {
    match x {
        0 => std::process::exit(1),
        1 => die(),
        _ => {}
    }
}

#[no_exit]
fn by_name() {
    std::process::abort();
}

#[no_exit]
fn by_type() {
    die();
}

fn main() {
    in_one_function(1);
    by_name();
    by_type();
}
