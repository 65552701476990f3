#[backstop::no_exit]
fn binding() {
    let list = Vec::new();
    let collected = [1, 2].into_iter().collect();
    let parsed = "1".parse().unwrap();
    let nothing = None;
    let default = Default::default();
}

#[backstop::no_exit]
fn statement() {
    "1".parse().unwrap();
    [1, 2].into_iter().sum();
    Vec::new();
    std::mem::size_of();
}

#[backstop::no_exit]
fn argument() {
    drop(Vec::new());
    drop([1, 2].into_iter().collect());
    println!("{}", "1".parse().unwrap());
}

#[backstop::no_exit]
fn operand() -> u64 {
    [1, 2].into_iter().sum() + 1
}

#[backstop::must_cleanup]
fn must_cleanup() {
    let collected = [1, 2].into_iter().collect();
}

fn main() {}
