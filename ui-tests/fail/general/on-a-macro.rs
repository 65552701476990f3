#[backstop::no_exit]
macro_rules! one {
    () => {
        1
    };
}

#[backstop::must_cleanup]
macro_rules! two {
    () => {
        2
    };
}

macro_rules! function {
    ($name:ident) => {
        fn $name() {}
    };
}

#[backstop::scoped_spawn]
function!(made_by_a_macro);

fn main() {
    assert_eq!(one!() + two!(), 3);
    made_by_a_macro();
}
