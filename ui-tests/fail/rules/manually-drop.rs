use backstop::must_cleanup;
use std::mem::ManuallyDrop;

#[must_cleanup]
fn refused(name: String) -> usize {
    let name = ManuallyDrop::new(name);
    name.len()
}

fn main() {
    refused(String::new());
}
