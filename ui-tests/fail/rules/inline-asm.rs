use backstop::no_exit;

#[no_exit]
fn refused() {
    unsafe { std::arch::asm!("nop") };
}

fn main() {
    refused();
}
