use backstop::no_exit;

#[no_exit]
fn parenthesised() {
    (std::process::exit)(1);
}

#[no_exit]
#[rustfmt::skip]
fn spread_over_lines() {
    std
        ::process
        :: /* here */ exit
        (1);
}

#[no_exit]
fn cast() {
    (std::process::exit as fn(i32) -> !)(1);
}

#[no_exit]
fn through_a_reference() {
    (&std::process::abort)();
}

#[no_exit]
fn in_an_array() {
    [std::process::abort][0]();
}

fn main() {
    parenthesised();
    spread_over_lines();
    cast();
    through_a_reference();
    in_an_array();
}
