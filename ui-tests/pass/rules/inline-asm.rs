#![deny(warnings)]

use backstop::no_exit;

#[no_exit]
fn accepted() {
    std::hint::spin_loop();
}

#[no_exit]
fn allowed() {
    #[allow_skip(inline_asm, reason = "it does nothing")]
    unsafe {
        std::arch::asm!("nop")
    };
}

fn main() {
    let _ = accepted();
    let _ = allowed as fn();
}
