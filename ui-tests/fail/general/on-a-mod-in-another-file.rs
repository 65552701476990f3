#[backstop::must_cleanup]
#[path = "on-a-mod-in-another-file/other.rs"]
mod other;

fn main() {
    other::run();
}
