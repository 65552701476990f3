use backstop::must_cleanup;

struct Permit;

impl Permit {
    fn forget(self) {}
}

#[must_cleanup]
fn refused(permit: Permit) {
    permit.forget();
}

fn main() {
    refused(Permit);
}
