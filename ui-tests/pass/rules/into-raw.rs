#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn accepted(state: Box<u8>) -> bool {
    let raw = Box::into_raw(state);
    let null = raw.is_null();
    drop(unsafe { Box::from_raw(raw) });
    null
}

#[must_cleanup]
fn allowed(state: Box<u8>) -> bool {
    #[allow_skip(into_raw, reason = "`unregister` takes it back")]
    let raw = Box::into_raw(state);
    raw.is_null()
}

fn main() {
    let _ = accepted(Box::new(1));
    let _ = allowed as fn(Box<u8>) -> bool;
}
