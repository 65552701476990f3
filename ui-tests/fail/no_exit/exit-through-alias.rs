use backstop::no_exit;

#[no_exit]
fn renamed_function() {
    use std::process::exit as quit;
    quit(1);
}

#[no_exit]
fn renamed_module() {
    use std::process as p;
    p::exit(1);
}

#[no_exit]
fn renamed_twice() {
    use std as standard;
    use standard::process as p;
    p::abort();
}

#[no_exit]
fn nested_use() {
    use std::{
        io,
        process::{self as proc, abort as stop},
    };
    let _ = io::stdin();
    if proc::id() == 0 {
        proc::exit(1);
    }
    stop();
}

#[no_exit]
fn imported_later_in_the_body() {
    leave(1);
    use std::process::exit as leave;
}

#[no_exit]
fn imported_in_an_inner_block() {
    {
        use std::process::abort as crash;
        crash();
    }
}

fn main() {
    renamed_function();
    renamed_module();
    renamed_twice();
    nested_use();
    imported_later_in_the_body();
    imported_in_an_inner_block();
}
