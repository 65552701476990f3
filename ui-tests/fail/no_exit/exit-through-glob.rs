use backstop::no_exit;

#[no_exit]
fn glob() {
    use std::process::*;
    exit(1);
}

#[no_exit]
fn glob_in_a_group() {
    use std::{fmt::Write as _, process::*};
    let _ = write!(String::new(), "stopping");
    abort();
}

#[no_exit]
fn glob_of_std() {
    use std::*;
    process::exit(1);
}

fn main() {
    glob();
    glob_in_a_group();
    glob_of_std();
}
