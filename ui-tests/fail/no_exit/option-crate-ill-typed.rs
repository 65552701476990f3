use backstop::no_exit;

#[no_exit(crate)]
fn no_value() {}

#[no_exit(crate = )]
fn empty_value() {}

#[no_exit(crate = "::backstop")]
fn string() {}

#[no_exit(crate = backstop::<u8>)]
fn generic() {}

#[no_exit(crate(backstop))]
fn list() {}

#[no_exit(crate = ::backstop, crate = ::backstop)]
fn twice() {}

fn main() {
    no_value();
    empty_value();
    string();
    generic();
    list();
    twice();
}
