//! Tokens in a macro are the macro's: no guard can be seen there.

use backstop::must_cleanup;

macro_rules! run {
    ($($body:tt)*) => {
        $($body)*
    };
}

#[must_cleanup]
fn in_an_unknown_macro() {
    run! {
        #[cleanup(println!("x"))]
        let x = 1;
    }
}

fn main() {
    in_an_unknown_macro();
}
