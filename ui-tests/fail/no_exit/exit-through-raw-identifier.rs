use backstop::no_exit;

#[no_exit]
fn raw_function() {
    std::process::r#exit(1);
}

#[no_exit]
fn raw_module() {
    r#std::r#process::abort();
}

#[no_exit]
fn raw_alias() {
    use std::process::exit as r#fn;
    r#fn(1);
}

fn main() {
    raw_function();
    raw_module();
    raw_alias();
}
