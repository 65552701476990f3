use backstop::no_exit;
use std::io;
use std::process::Command;

#[no_exit]
fn imported() -> io::Error {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("true");
    command.arg("x");
    command.exec()
}

#[no_exit]
fn chained() -> io::Error {
    use std::os::unix::process::CommandExt as _;
    Command::new("true").arg("x").exec()
}

#[no_exit]
fn by_path(mut command: Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

#[no_exit]
fn qualified(mut command: Command) -> io::Error {
    use std::os::unix::process::CommandExt;
    <Command as CommandExt>::exec(&mut command)
}

#[no_exit]
mod tools {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    pub fn parameter(command: &mut Command) -> std::io::Error {
        command.exec()
    }
}

fn main() {
    imported();
    chained();
    by_path(Command::new("true"));
    qualified(Command::new("true"));
    tools::parameter(&mut Command::new("true"));
}
