use backstop::scoped_spawn;

#[scoped_spawn(allow(mem_forget, reason = "handed to C") crate = ::backstop)]
fn missing() {}

#[scoped_spawn(,)]
fn only_a_comma() {}

#[scoped_spawn(crate = ::backstop,)]
fn trailing_is_fine() {}

fn main() {
    missing();
    only_a_comma();
    trailing_is_fine();
}
