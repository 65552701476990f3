#![deny(warnings)]

use backstop::{must_cleanup, no_exit, scoped_spawn};
use std::process;

fn die() -> ! {
    panic!("stands for an exit")
}

#[no_exit(allow(process_exit, reason = "function"))]
fn on_a_function(x: u8) {
    if x > 1 {
        process::exit(1);
    }
    println!("{:?}", Some(x).map(|x| if x > 2 { process::exit(2) } else { x }));
}

#[no_exit(
    allow(process_exit, process_abort, reason = "two rules"),
    allow(diverging_call, reason = "a third")
)]
fn several_rules(x: u8) {
    match x {
        1 => process::exit(1),
        2 => process::abort(),
        3 => die(),
        _ => {}
    }
}

#[no_exit]
fn on_statements(x: u8) -> u8 {
    #[allow_skip(process_exit, reason = "an expression")]
    if x > 10 {
        process::exit(1)
    }
    #[allow_skip(process_exit, reason = "a let")]
    let y = if x > 10 { process::exit(1) } else { x };
    #[allow_skip(process_exit, reason = "a macro")]
    println!("{}", if x > 10 { process::exit(1) } else { x });
    let mut z = 0;
    #[allow_skip(process_exit, reason = "an assignment")]
    z += if x > 10 { process::exit(1) } else { x };
    #[allow_skip(diverging_call, reason = "by type")]
    if x > 10 {
        die();
    }
    for _ in 0..x {
        #[allow_skip(diverging_call, process_exit, reason = "in a block")]
        if x > 10 {
            die();
        } else if x > 11 {
            process::exit(1);
        }
    }
    let run = |x: u8| {
        #[allow_skip(process_exit, reason = "in a closure")]
        if x > 10 {
            process::exit(1)
        }
    };
    run(x);
    match x {
        #[allow_skip(process_exit, reason = "an arm")]
        99 => process::exit(1),
        _ => {}
    }
    #[allow_skip(process_exit, reason = "the tail")]
    if x > 10 { process::exit(1) } else { y + z }
}

struct Server;

#[no_exit(allow(process_exit, reason = "one of the methods needs it"))]
impl Server {
    fn stop(&self, code: i32) {
        if code > 0 {
            process::exit(code);
        }
    }

    fn run(&self) {}

    #[no_exit(allow(process_abort, reason = "its own allow"))]
    fn own(&self, code: i32) {
        if code > 0 {
            process::abort();
        }
    }
}

#[must_cleanup]
fn beside_a_cleanup(name: String) {
    #[allow_skip(panic_abort, reason = "not needed after a panic")]
    #[cleanup(println!("closed"))]
    let x = 1;
    #[cleanup(println!("closed"))]
    #[allow_skip(panic_abort, reason = "in the other order")]
    println!("{}", *x);
    #[allow_skip(mem_forget, reason = "freed elsewhere")]
    std::mem::forget(name);
}

#[must_cleanup(allow(panic_abort, reason = "the whole function"))]
fn for_a_function() {
    #[cleanup(println!("closed"))]
    let x = 1;
    println!("{}", *x);
}

#[scoped_spawn]
fn detached() -> u8 {
    #[allow_skip(detached_thread, reason = "a watchdog")]
    std::thread::spawn(|| {});
    let handle = std::thread::spawn(|| 1);
    handle.join().unwrap()
}

fn main() {
    on_a_function(1);
    several_rules(0);
    assert_eq!(on_statements(1), 2);
    Server.stop(0);
    Server.run();
    Server.own(0);
    beside_a_cleanup(String::new());
    for_a_function();
    assert_eq!(detached(), 1);
}
