use backstop::must_cleanup;

#[must_cleanup(allow(mem_forget, reason = "handed to C") crate = ::backstop)]
fn missing() {}

#[must_cleanup(,)]
fn only_a_comma() {}

#[must_cleanup(crate = ::backstop,)]
fn trailing_is_fine() {}

fn main() {
    missing();
    only_a_comma();
    trailing_is_fine();
}
