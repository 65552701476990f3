#[backstop::main]
struct Main;

#[backstop::main]
mod program {}

#[backstop::main]
const MAIN: u8 = 0;

trait Program {
    #[backstop::main]
    fn main();
}

fn main() {}
