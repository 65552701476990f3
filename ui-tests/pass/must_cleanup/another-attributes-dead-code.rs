//! What `#[tracing::instrument]` makes of a body before this attribute sees it: a value of the type
//! that the function returns, in a branch that never runs.

#![deny(warnings)]

use backstop::must_cleanup;

#[must_cleanup]
fn instrumented(number: u32) -> Result<u32, String> {
    #[allow(unreachable_code, clippy::let_unit_value, clippy::empty_loop, clippy::used_underscore_binding)]
    if false {
        let _fake_return: Result<u32, String> = loop {};
        return _fake_return;
    }
    {
        #[cleanup(println!("{name}"), on = error)]
        let name = number;
        Ok(*name)
    }
}

fn main() {
    assert_eq!(instrumented(3), Ok(3));
}
