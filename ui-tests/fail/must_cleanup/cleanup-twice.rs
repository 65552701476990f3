use backstop::must_cleanup;

#[must_cleanup]
fn twice() {
    #[cleanup(println!("one"))]
    #[cleanup(println!("two"))]
    let x = 1;
    println!("{x}");

    #[cleanup(println!("one"))]
    #[cleanup(println!("two"), on = failure)]
    #[cleanup(println!("three"))]
    println!("statement");
}

fn main() {
    twice();
}
