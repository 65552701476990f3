use backstop::scoped_spawn;

#[scoped_spawn(alow(process_exit, reason = "the process ends here"))]
fn misspelled() {}

#[scoped_spawn(verbose)]
fn word() {}

#[scoped_spawn(retries = 3)]
fn value() {}

#[scoped_spawn(a::path)]
fn path() {}

#[scoped_spawn("text")]
fn text() {}

#[scoped_spawn(8)]
fn number() {}

#[scoped_spawn(if)]
fn keyword() {}

#[scoped_spawn(first = 1, second = 2)]
fn both_are_shown() {}

fn main() {
    misspelled();
    word();
    value();
    path();
    text();
    number();
    keyword();
    both_are_shown();
}
