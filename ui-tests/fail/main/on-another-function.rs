#[backstop::main]
fn run() {}

#[backstop::main]
fn main() {
    run();
}
