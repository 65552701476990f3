#[backstop::main]
#[backstop::main(grace = "1s")]
fn main() {}
