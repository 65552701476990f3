use backstop::no_exit;

#[no_exit(alow(process_exit, reason = "the process ends here"))]
fn misspelled() {}

#[no_exit(verbose)]
fn word() {}

#[no_exit(retries = 3)]
fn value() {}

#[no_exit(a::path)]
fn path() {}

#[no_exit("text")]
fn text() {}

#[no_exit(8)]
fn number() {}

#[no_exit(if)]
fn keyword() {}

#[no_exit(first = 1, second = 2)]
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
