#[backstop::main(grace = "10s" reaper)]
fn main() {}
