use backstop::no_exit;

trait Ends {
    type Output;

    fn end(&self) -> Self::Output;
}

struct Abort;

impl Ends for Abort {
    type Output = std::convert::Infallible;

    fn end(&self) -> Self::Output {
        std::process::abort()
    }
}

fn with_a_parameter<T>(_: T) -> ! {
    std::process::exit(1)
}

fn chosen<T>(call: impl FnOnce() -> T) -> T {
    call()
}

fn stop() -> ! {
    std::process::exit(1)
}

#[no_exit]
fn generic_function() {
    with_a_parameter("reason");
}

#[no_exit]
fn turbofish() {
    with_a_parameter::<u8>(1);
}

#[no_exit]
fn associated_type() {
    Abort.end();
}

#[no_exit]
fn const_generic() {
    counted::<3>();
}

fn counted<const N: usize>() -> ! {
    std::process::abort()
}

fn main() {
    generic_function();
    turbofish();
    associated_type();
    const_generic();
    chosen(stop);
}
