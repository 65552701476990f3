use backstop::must_cleanup;

#[must_cleanup(crate)]
fn no_value() {}

#[must_cleanup(crate = )]
fn empty_value() {}

#[must_cleanup(crate = "::backstop")]
fn string() {}

#[must_cleanup(crate = backstop::<u8>)]
fn generic() {}

#[must_cleanup(crate(backstop))]
fn list() {}

#[must_cleanup(crate = ::backstop, crate = ::backstop)]
fn twice() {}

fn main() {
    no_value();
    empty_value();
    string();
    generic();
    list();
    twice();
}
