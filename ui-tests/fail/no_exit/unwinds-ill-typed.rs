use backstop::no_exit;

fn die() {}

#[no_exit(unwinds)]
fn no_list() {
    die();
}

#[no_exit(unwinds = die)]
fn equals() {
    die();
}

#[no_exit(unwinds("die"))]
fn string() {
    die();
}

#[no_exit(unwinds(die()))]
fn call() {
    die();
}

#[no_exit(unwinds(die, unwinds(other)))]
fn nested() {
    die();
}

#[no_exit(unwinds(die), unwinds(die))]
fn twice() {
    die();
}

#[no_exit(unwinds())]
fn empty() {
    die();
}

fn main() {
    no_list();
    equals();
    string();
    call();
    nested();
    twice();
    empty();
}
