use backstop::must_cleanup;

#[must_cleanup]
fn refused(name: Box<str>) -> (&'static str, &'static str) {
    let first: &'static str = Box::leak(name);
    let second: &'static str = String::from("x").leak();
    (first, second)
}

fn main() {
    refused(Box::from("a"));
}
