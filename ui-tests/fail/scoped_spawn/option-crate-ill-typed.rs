use backstop::scoped_spawn;

#[scoped_spawn(crate)]
fn no_value() {}

#[scoped_spawn(crate = )]
fn empty_value() {}

#[scoped_spawn(crate = "::backstop")]
fn string() {}

#[scoped_spawn(crate = backstop::<u8>)]
fn generic() {}

#[scoped_spawn(crate(backstop))]
fn list() {}

#[scoped_spawn(crate = ::backstop, crate = ::backstop)]
fn twice() {}

fn main() {
    no_value();
    empty_value();
    string();
    generic();
    list();
    twice();
}
