use backstop::must_cleanup;

#[must_cleanup(alow(process_exit, reason = "the process ends here"))]
fn misspelled() {}

#[must_cleanup(verbose)]
fn word() {}

#[must_cleanup(retries = 3)]
fn value() {}

#[must_cleanup(a::path)]
fn path() {}

#[must_cleanup("text")]
fn text() {}

#[must_cleanup(8)]
fn number() {}

#[must_cleanup(if)]
fn keyword() {}

#[must_cleanup(first = 1, second = 2)]
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
