use backstop::no_exit;

#[no_exit(allow(process_exit, reason = ""))]
fn empty() {
    std::process::exit(1);
}

#[no_exit(allow(process_exit, reason = "   "))]
fn blank() {
    std::process::exit(1);
}

#[no_exit]
fn on_a_statement() {
    #[allow_skip(process_exit, reason = "")]
    std::process::exit(1);
}

fn main() {
    empty();
    blank();
    on_a_statement();
}
