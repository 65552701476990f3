use backstop::must_cleanup;

#[must_cleanup]
fn refused(guard: String) {
    std::mem::forget(guard);
}

fn main() {
    refused(String::new());
}
