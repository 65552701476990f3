//! Performs an action in a process of its own and prints how it ended. The action is read, encoded,
//! from stdin; or made here: `action_perform file|dir PATH`. With `NOFILE` in the environment, it
//! has no more descriptors than that.

use std::io::{self, Read as _, Write as _};

use backstop::__private::action_door;
use backstop::Action;

fn main() -> io::Result<()> {
    if let Some(limit) = std::env::var("NOFILE").ok().and_then(|limit| limit.parse().ok()) {
        let limit = rustix::process::Rlimit { current: Some(limit), maximum: Some(limit) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
    }
    let mut arguments = std::env::args_os().skip(1);
    let encoded = match (arguments.next(), arguments.next()) {
        (Some(kind), Some(path)) => {
            let action = if kind == "dir" {
                Action::remove_dir_all(path)
            } else {
                Action::remove_file(path)
            };
            action_door::encode(action, true)?
        }
        _ => {
            let mut encoded = Vec::new();
            io::stdin().read_to_end(&mut encoded)?;
            encoded
        }
    };
    println!("ready");
    io::stdout().flush()?;
    println!("{}", action_door::perform(&encoded)?);
    Ok(())
}
