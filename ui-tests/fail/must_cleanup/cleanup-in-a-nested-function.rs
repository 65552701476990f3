//! A nested function is not the body's: it needs the attribute itself.

use backstop::must_cleanup;

#[must_cleanup]
fn outer() {
    fn inner() {
        #[cleanup(println!("inner"))]
        let x = 1;
        println!("{x}");
    }
    inner();
}

fn main() {
    outer();
}
