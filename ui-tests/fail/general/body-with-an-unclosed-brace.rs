#[backstop::no_exit]
fn unclosed() {
    if true {
}

fn main() {
    unclosed();
}
