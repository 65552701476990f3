fn one() -> u8 {
    1
}

fn next(value: u8) -> u8 {
    value + 1
}

fn take(_: u32) {}

struct Room {
    number: u32,
}

impl Room {
    fn number(&self) -> u8 {
        self.number.to_le_bytes()[0]
    }

    fn enter(&mut self, _: u32) -> &mut Self {
        self
    }
}

#[backstop::no_exit]
fn binding() {
    let _count: u32 = one();
    let _name: String = next(1);
    let [_first, _second]: [u8; 2] = one();
}

#[backstop::no_exit]
fn assignment(mut count: u32, room: &mut Room) {
    count = one();
    room.number = room.number();
    take(count);
}

#[backstop::no_exit]
fn tail() -> u32 {
    one()
}

#[backstop::no_exit]
fn returned(early: bool) -> Result<u32, String> {
    if early {
        return one();
    }
    Ok(7)
}

#[backstop::no_exit]
fn argument(room: &mut Room) {
    take(one());
    room.enter(one()).enter(room.number());
    take(1, one());
    take();
}

#[backstop::no_exit]
fn condition(room: &Room) -> u32 {
    if one() {
        return 1;
    }
    while room.number() {}
    match one() {
        "one" => 1,
        _ => one(),
    }
}

#[backstop::no_exit]
fn field() -> Room {
    Room { number: one() }
}

#[backstop::no_exit]
fn operator() -> i32 {
    -one()
}

#[backstop::no_exit]
fn branches(early: bool) -> u32 {
    let number = if early { one() } else { String::new() };
    let list = [one(), String::new()];
    let closure = |value: u8| -> u32 { one() };
    number + list + closure(next(1))
}

#[backstop::must_cleanup]
fn must_cleanup() -> u32 {
    let _count: u32 = one();
    take(one());
    one()
}

fn main() {}
