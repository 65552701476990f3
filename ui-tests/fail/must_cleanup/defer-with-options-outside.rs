use backstop::defer;

fn on() {
    defer!(on = failure, println!("failed"));
}

fn on_a_list() {
    defer! { on = [error, unwind], println!("failed") }
}

fn name() {
    defer!(name = "session", println!("closed"));
}

fn survives() {
    defer!(survives = unwind, println!("closed"));
}

#[backstop::must_cleanup]
fn in_a_closure() {
    let run = || {
        defer!(on = failure, println!("failed"));
    };
    run();
}

#[backstop::no_exit]
fn under_another_attribute() {
    defer!(on = failure, println!("failed"));
}

fn main() {
    on();
    on_a_list();
    name();
    survives();
    in_a_closure();
    under_another_attribute();
}
