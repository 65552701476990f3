trait Gather {}

impl Gather for u8 {}
impl Gather for u16 {}

fn gather<T: Gather>(_: &[u8]) -> T {
    panic!()
}

#[backstop::no_exit]
fn binding() {
    let list = Vec::new();
    let gathered = gather(&[1, 2]);
    let parsed = "1".parse().unwrap();
    let nothing = None;
    let default = Default::default();
}

#[backstop::no_exit]
fn statement() {
    "1".parse().unwrap();
    gather(&[1, 2]);
    Vec::new();
    std::mem::size_of();
}

#[backstop::no_exit]
fn argument() {
    drop(Vec::new());
    drop(gather(&[1, 2]));
    println!("{}", "1".parse().unwrap());
}

#[backstop::no_exit]
fn operand() -> u16 {
    gather(&[1, 2]) + 1
}

#[backstop::must_cleanup]
fn must_cleanup() {
    let gathered = gather(&[1, 2]);
}

fn main() {}
