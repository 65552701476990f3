use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn passed(input: Result<u8, String>) -> u8 {
    input.unwrap_or_else(|_| die())
}

#[no_exit]
fn braces(input: Option<u8>) -> u8 {
    input.unwrap_or_else(|| {
        eprintln!("none");
        die()
    })
}

#[no_exit]
fn in_an_async_block() {
    drop(async { die() });
}

#[no_exit]
fn returns_it() -> impl Fn() -> u8 {
    || die()
}

#[no_exit]
fn calls_a_closure_of_type_never() {
    let stop = || -> ! { panic!("unwinds, but the call does not show it") };
    stop();
}

fn main() {
    passed(Ok(1));
    braces(None);
    in_an_async_block();
    let _ = returns_it()();
    calls_a_closure_of_type_never();
}
