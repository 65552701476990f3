use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

fn take(_: u8, _: u8) {}

struct Room;

impl Room {
    fn enter(&self, _: u8) -> u8 {
        1
    }
}

#[no_exit]
fn function() {
    take(1, die());
}

#[no_exit]
fn first_of_two() {
    take(die(), 2);
}

#[no_exit]
fn method() -> u8 {
    Room.enter(die())
}

#[no_exit]
fn constructor() -> Option<u8> {
    Some(die())
}

#[no_exit]
fn nested() {
    take(1, Room.enter(Room.enter(die())));
}

fn main() {
    function();
    first_of_two();
    method();
    constructor();
    nested();
}
