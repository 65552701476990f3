use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn next_statement(x: bool) {
    if x {
        #[allow_skip(diverging_call, reason = "this one")]
        die();
    }
    die();
}

#[no_exit]
fn by_another_rule() {
    #[allow_skip(process_exit, reason = "it exits", diverging_call)]
    die();
}

fn main() {
    next_statement(true);
    by_another_rule();
}
