#![deny(warnings)]

use backstop::no_exit;

fn die() -> ! {
    panic!("stands for an exit")
}

#[no_exit]
fn on_an_arm(x: u8) -> u8 {
    match x {
        #[allow_skip(diverging_call, reason = "an arm")]
        100 => die(),
        x => x,
    }
}

fn main() {
    assert_eq!(on_an_arm(1), 1);
}
