#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn accepted(guard: String) {
    drop(guard);
}

#[must_cleanup]
fn allowed(guard: String) {
    #[allow_skip(mem_forget, reason = "the C side frees it")]
    std::mem::forget(guard);
}

fn main() {
    let _ = accepted(String::new());
    let _ = allowed as fn(String);
}
