use backstop::no_exit;
use std::process;

#[no_exit]
fn argument(input: Option<u8>) -> u8 {
    input.unwrap_or_else(|| process::exit(1))
}

#[no_exit]
fn function_itself(hook: Option<fn() -> !>) -> fn() -> ! {
    hook.unwrap_or(process::abort)
}

#[no_exit]
fn mapped(code: Option<i32>) {
    code.map(process::exit);
}

#[no_exit]
fn in_a_struct() -> Handler {
    Handler { on_error: process::abort }
}

#[no_exit]
fn in_a_tuple_or_array() {
    let _handlers: [fn() -> !; 1] = [process::abort];
    let _pair = (1, process::abort);
}

#[no_exit]
fn returned() -> fn(i32) -> ! {
    process::exit
}

#[no_exit]
fn as_an_address() -> usize {
    process::exit as *const () as usize
}

#[no_exit]
fn to_a_thread() {
    let _ = std::thread::spawn(process::abort);
}

struct Handler {
    on_error: fn() -> !,
}

fn main() {
    argument(None);
    function_itself(None);
    mapped(None);
    let _ = in_a_struct().on_error;
    in_a_tuple_or_array();
    returned();
    as_an_address();
    to_a_thread();
}
