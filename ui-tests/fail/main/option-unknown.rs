#[backstop::main(timeout = "10s", allow(process_exit, reason = "none"))]
fn main() {}
