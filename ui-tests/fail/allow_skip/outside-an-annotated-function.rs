fn not_annotated() {
    #[allow_skip(process_exit, reason = "no attribute looks here")]
    std::process::exit(1);
}

#[backstop::no_exit]
fn nested() {
    fn inner() {
        #[allow_skip(process_exit, reason = "no attribute looks here")]
        std::process::exit(1);
    }
    inner();
}

fn main() {
    not_annotated();
    nested();
}
