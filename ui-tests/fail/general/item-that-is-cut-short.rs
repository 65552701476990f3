#[backstop::no_exit]
fn no_parameters {}

fn main() {}
