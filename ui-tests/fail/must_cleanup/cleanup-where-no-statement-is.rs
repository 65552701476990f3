use backstop::must_cleanup;

struct Session {
    open: bool,
}

#[must_cleanup]
fn on_an_arm(x: u8) -> u8 {
    match x {
        #[cleanup(println!("x"))]
        0 => 1,
        x => x,
    }
}

#[must_cleanup]
fn on_a_field() -> Session {
    Session {
        #[cleanup(println!("x"))]
        open: true,
    }
}

#[must_cleanup]
fn on_an_argument() -> u8 {
    u8::from(
        #[cleanup(println!("x"))]
        true,
    )
}

#[must_cleanup]
fn on_a_parameter(#[cleanup(println!("x"))] x: u8) -> u8 {
    x
}

#[must_cleanup]
#[cleanup(println!("x"))]
fn on_the_function() {}

fn main() {
    on_an_arm(1);
    let _ = on_a_field().open;
    on_an_argument();
    on_a_parameter(1);
    on_the_function();
}
