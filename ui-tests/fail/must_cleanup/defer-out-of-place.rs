use backstop::{defer, must_cleanup};

#[must_cleanup]
fn options_behind() -> Result<(), ()> {
    defer!(println!("a"), on = failure);
    defer!(println!("b"), name = "b", on = failure);
    Ok(())
}

#[must_cleanup]
fn in_place_of_a_value(number: u8) {
    let _value = defer!(println!("c"));
    match number {
        1 => defer!(println!("d")),
        _ => {}
    }
    let later = || {
        defer!(println!("as a statement"));
        defer! { println!("at the end of a block") }
    };
    later();
}

fn main() {
    let _ = options_behind();
    in_place_of_a_value(1);
}
