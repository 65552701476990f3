use backstop::no_exit;

mod system {
    pub mod process {
        pub use std::process::{abort, exit};
    }
}

#[no_exit]
fn by_name_through_crate() {
    crate::system::process::exit(1);
}

#[no_exit]
fn by_name_through_self() {
    self::system::process::abort();
}

mod inner {
    #[backstop::no_exit]
    pub fn by_name_through_super() {
        super::system::process::exit(1);
    }
}

fn main() {
    by_name_through_crate();
    by_name_through_self();
    inner::by_name_through_super();
}
