#[backstop::no_exit]
const LIMIT: u32 = 3;

#[backstop::must_cleanup]
static NAME: &str = "name";

#[backstop::scoped_spawn]
pub static COUNT: u32 = 4;

fn main() {
    assert_eq!(LIMIT + COUNT, 7);
    assert_eq!(NAME, "name");
}
