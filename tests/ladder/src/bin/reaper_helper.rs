//! The helper program `backstop-reaper`, where the tests can find it.

fn main() {
    backstop::__private::reaper::main_of_helper()
}
