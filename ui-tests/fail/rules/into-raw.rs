use backstop::must_cleanup;

#[must_cleanup]
fn refused(state: Box<u8>) -> bool {
    let raw = Box::into_raw(state);
    raw.is_null()
}

fn main() {
    refused(Box::new(1));
}
