use backstop::{defer, must_cleanup};

#[must_cleanup]
fn options() {
    defer!(on = failed, println!("x"));
    defer!(on = failure println!("x"));
    defer!(on = failure, on = success, println!("x"));
    defer!(name = 3, println!("x"));
    defer!(survives = killed, println!("x"));
    defer!(timeout = "5s", println!("x"));
    defer!(on, println!("x"));
}

fn main() {
    options();
}
