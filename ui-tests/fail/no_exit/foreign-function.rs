//! Declared by hand, whatever its name: found by type where it says that it diverges.

use backstop::no_exit;

unsafe extern "C" {
    fn _exit(code: i32) -> !;
    #[link_name = "exit"]
    safe fn leave(code: i32) -> !;
}

#[no_exit]
fn in_a_block() {
    unsafe { _exit(1) }
}

#[no_exit]
fn in_a_statement() {
    unsafe {
        _exit(1);
    }
}

#[no_exit]
fn renamed() {
    leave(1);
}

fn main() {
    in_a_block();
    in_a_statement();
    renamed();
}
