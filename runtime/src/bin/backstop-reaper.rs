//! The helper of `backstop::reaper::start`: it is put beside a program, which executes it.

#[cfg(target_os = "linux")]
fn main() {
    backstop::__private::reaper::main_of_helper()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("backstop-reaper: there is a reaper only on Linux");
    std::process::exit(2);
}
