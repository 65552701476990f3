use backstop::no_exit;

#[no_exit]
fn in_full() {
    unsafe { std::arch::asm!("ud2") };
}

#[no_exit]
fn imported() {
    use core::arch::asm;
    unsafe {
        asm!("ud2", options(noreturn));
    }
}

#[no_exit]
fn renamed() {
    use std::arch::asm as machine;
    unsafe { machine!("ud2") };
}

fn main() {
    in_full();
    imported();
    renamed();
}
