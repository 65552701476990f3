//! Names that say nothing: found by type.

use backstop::no_exit;

mod system {
    pub use std::process::abort as stop;
    pub use std::process::exit as leave;
}

use system::leave as go;

#[no_exit]
fn through_crate() {
    crate::system::leave(1);
}

#[no_exit]
fn through_self() {
    self::system::stop();
}

#[no_exit]
fn renamed_again() {
    go(1);
}

mod inner {
    #[backstop::no_exit]
    pub fn through_super() {
        super::system::leave(1);
    }
}

fn main() {
    through_crate();
    through_self();
    renamed_again();
    inner::through_super();
}
