#![deny(warnings)]

use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit]
fn on_a_call() {
    #[allow_skip(process_exit, reason = "nothing exits here")]
    println!("x");
}

#[must_cleanup]
fn on_a_let() -> u8 {
    #[allow_skip(mem_forget, reason = "nothing is forgotten")]
    let x = 1;
    #[allow_skip(box_leak, reason = "nothing leaks")]
    x
}

#[scoped_spawn]
fn on_a_spawn_in_the_scope() {
    #[allow_skip(detached_task, reason = "a thread is no task")]
    std::thread::spawn(|| {});
}

#[no_exit]
fn on_the_wrong_statement() {
    #[allow_skip(process_exit, reason = "one statement too early")]
    println!("x");
    std::process::exit(1);
}

#[no_exit]
fn on_an_arm(x: u8) {
    match x {
        #[allow_skip(process_abort, reason = "nothing aborts")]
        0 => {}
        _ => {}
    }
}

#[no_exit]
fn in_a_closure() {
    let run = || {
        #[allow_skip(diverging_call, reason = "nothing diverges")]
        println!("x");
    };
    run();
}

fn main() {
    on_a_call();
    on_a_let();
    on_a_spawn_in_the_scope();
    on_the_wrong_statement();
    on_an_arm(1);
    in_a_closure();
}
