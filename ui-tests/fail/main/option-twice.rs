#[backstop::main(grace = "10s", reaper, grace = "20s", reaper)]
fn main() {}
