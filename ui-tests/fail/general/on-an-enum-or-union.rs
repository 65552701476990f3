#[backstop::no_exit]
pub enum State {
    Open,
}

#[backstop::must_cleanup]
enum Other {
    Closed,
}

#[backstop::scoped_spawn]
union Bits {
    word: u32,
}

fn main() {
    let _ = (State::Open, Other::Closed, Bits { word: 1 });
}
