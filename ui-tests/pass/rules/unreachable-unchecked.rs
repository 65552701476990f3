#![deny(warnings)]

use backstop::no_exit;

#[no_exit]
fn accepted(digit: u8) -> u8 {
    match digit {
        0..=9 => digit,
        _ => unreachable!("not a digit"),
    }
}

#[no_exit]
fn allowed(digit: u8) -> u8 {
    match digit {
        0..=9 => digit,
        #[allow_skip(unreachable_unchecked, reason = "the caller promises a digit")]
        _ => unsafe { std::hint::unreachable_unchecked() },
    }
}

fn main() {
    let _ = accepted(1);
    let _ = allowed as fn(u8) -> u8;
}
