use backstop::no_exit;

fn die() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn called() {
    let stop = || std::process::exit(1);
    stop();
}

#[no_exit]
fn passed(input: Result<u8, String>) -> u8 {
    input.unwrap_or_else(|error| {
        eprintln!("{error}");
        std::process::exit(1)
    })
}

#[no_exit]
fn nested() {
    let outer = || {
        let inner = || std::process::abort();
        inner()
    };
    outer()
}

#[no_exit]
fn in_an_async_block() {
    drop(async { std::process::exit(1) });
}

fn main() {
    called();
    passed(Ok(1));
    nested();
    in_an_async_block();
    die();
}
