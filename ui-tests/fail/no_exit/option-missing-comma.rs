use backstop::no_exit;

#[no_exit(allow(mem_forget, reason = "handed to C") crate = ::backstop)]
fn missing() {}

#[no_exit(,)]
fn only_a_comma() {}

#[no_exit(crate = ::backstop,)]
fn trailing_is_fine() {}

fn main() {
    missing();
    only_a_comma();
    trailing_is_fine();
}
