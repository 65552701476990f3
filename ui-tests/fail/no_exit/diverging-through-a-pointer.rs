use backstop::no_exit;

fn hook() -> ! {
    std::process::abort()
}

struct Handlers {
    stop: fn() -> !,
}

#[no_exit]
fn parameter(stop: fn() -> !) {
    stop();
}

#[no_exit]
fn by_reference(stop: &fn() -> !) {
    stop();
}

#[no_exit]
fn by_variable() {
    let stop = hook;
    stop();
}

#[no_exit]
fn by_field(handlers: &Handlers) -> u8 {
    (handlers.stop)()
}

#[no_exit]
fn by_index(stops: &[fn() -> !]) {
    stops[0]();
}

#[no_exit]
fn by_call() {
    choose()();
}

fn choose() -> fn() -> ! {
    hook
}

fn main() {
    parameter(hook);
    by_reference(&(hook as fn() -> !));
    by_variable();
    by_field(&Handlers { stop: hook });
    by_index(&[]);
    by_call();
}
