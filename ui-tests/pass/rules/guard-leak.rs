#![deny(warnings)]

use backstop::must_cleanup;

struct Permit;

impl Permit {
    fn forget(self) {}
}

#[must_cleanup]
fn accepted(permit: Permit) {
    drop(permit);
}

#[must_cleanup]
fn allowed(permit: Permit) {
    #[allow_skip(guard_leak, reason = "the limit is lowered on purpose")]
    permit.forget();
}

fn main() {
    let _ = accepted(Permit);
    let _ = allowed as fn(Permit);
}
