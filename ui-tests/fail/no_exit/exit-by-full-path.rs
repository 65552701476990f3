use backstop::no_exit;

#[no_exit]
fn in_full() {
    std::process::exit(1);
}

#[no_exit]
fn absolute() {
    ::std::process::abort()
}

#[no_exit]
fn below_std() {
    let layout = ::std::alloc::Layout::new::<u8>();
    if layout.size() == 0 {
        std::alloc::handle_alloc_error(layout);
    }
}

#[no_exit]
fn unsafe_core() -> u8 {
    unsafe { core::hint::unreachable_unchecked() }
}

fn main() {
    in_full();
    absolute();
    below_std();
    unsafe_core();
}
