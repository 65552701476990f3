use backstop::must_cleanup;

#[must_cleanup]
fn items() {
    #[cleanup(println!("x"))]
    fn inner() {}

    #[cleanup(println!("x"))]
    struct Local;

    #[cleanup(println!("x"))]
    use std::fmt;

    #[cleanup(println!("x"))]
    const ONE: u8 = 1;

    inner();
    let _ = (Local, fmt::Error, ONE);
}

fn main() {
    items();
}
