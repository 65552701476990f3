use backstop::no_exit;

static HOOK: fn() -> ! = hook;
const OTHER: fn(i32) -> ! = std::process::exit;

fn hook() -> ! {
    std::process::abort()
}

mod hooks {
    pub static LAST: fn() -> ! = super::hook;
}

#[no_exit]
fn by_static() {
    HOOK();
}

#[no_exit]
fn by_const() -> u8 {
    OTHER(1)
}

#[no_exit]
fn by_path() {
    let _: u8 = hooks::LAST();
}

fn main() {
    by_static();
    by_const();
    by_path();
}
