//! Attributes are expanded from the top: what another has made of the body is what is seen.

use backstop::must_cleanup;

#[tokio::test]
#[must_cleanup]
async fn below() {
    #[cleanup(println!("{name}"))]
    let name = 1;
    println!("{}", *name);
}

#[must_cleanup]
#[tokio::test]
async fn above() {
    #[cleanup(println!("{name}"))]
    let name = 1;
    println!("{}", *name);
}

fn main() {}
