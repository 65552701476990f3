//! An error in the attribute's own options: the item stays, and so does the check of its body.

#[backstop::no_exit(retries = 3)]
fn count(names: &[String]) -> usize {
    let total: u32 = "many";
    names.len() + total as usize
}

fn main() {
    let _: usize = count(&[]);
}
