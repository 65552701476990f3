use backstop::{defer, must_cleanup, no_exit, scoped_spawn};

#[no_exit]
fn in_no_exit() {
    missing_function(1);
    missing_module::function();
    println!("{}", missing_value);
}

#[must_cleanup]
fn in_must_cleanup() {
    #[cleanup(missing_in_a_cleanup())]
    let x = missing_initialiser();
    defer! { missing_in_defer() }
    drop(missing_name);
    x.missing_method();
}

#[scoped_spawn]
fn in_scoped_spawn() {
    std::thread::spawn(missing_work);
}

fn main() {
    in_no_exit();
    in_must_cleanup();
    in_scoped_spawn();
}
