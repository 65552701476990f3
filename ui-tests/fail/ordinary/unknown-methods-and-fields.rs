struct Room;

impl Room {
    fn new() -> Self {
        Self
    }

    fn number(&self) -> u8 {
        1
    }
}

fn open() -> Result<Room, String> {
    Ok(Room::new())
}

#[backstop::no_exit]
fn method() {
    Room::new().missing();
    let room = Room::new().missing().number();
    room.number().missing(Room::new());
    open().number();
    open()?.missing();
}

#[backstop::no_exit]
fn field() -> u8 {
    Room::new().missing + Room::new().number
}

#[backstop::no_exit]
fn function() {
    Room::missing(Room::new());
}

#[backstop::must_cleanup]
fn must_cleanup() -> Result<u8, String> {
    let room = open()?;
    room.missing();
    Ok(open()?.missing())
}

fn main() {}
