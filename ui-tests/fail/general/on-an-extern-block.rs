#[backstop::no_exit]
unsafe extern "C" {
    safe fn getpid() -> i32;
}

#[backstop::must_cleanup]
unsafe extern "C" {
    safe fn getppid() -> i32;
}

#[backstop::scoped_spawn]
unsafe extern "C" {}

fn main() {
    let _ = (getpid(), getppid());
}
