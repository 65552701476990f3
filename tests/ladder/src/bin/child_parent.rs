//! Starts a child that starts another one, in the way that the argument says, and tells their
//! process ids on stdout. Then it waits to be ended, or ends by itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::{env, io, process, thread};

fn main() -> io::Result<()> {
    let way = env::args().nth(1).unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-c", "sleep 1000 & echo $!; wait"]).stdout(Stdio::piped());
    // From a thread that ends at once: the child is tied to the process and not to it.
    let start = move || -> io::Result<_> {
        let mut child = backstop::process::spawn(command)?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or(io::ErrorKind::NotFound)?;
        BufReader::new(stdout).read_line(&mut line)?;
        println!("{} {}", child.id(), line.trim());
        io::stdout().flush()?;
        Ok(child)
    };
    let child = thread::spawn(start).join().expect("the thread does not panic")?;
    match way.as_str() {
        "drop" => drop(child),
        "drop-closed" => {
            // As daemons do, and then they open files.
            // SAFETY: not safe for others in this process who own descriptors: they are what is tested.
            unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
            let files =
                (0..300).map(|_| File::open("/dev/null")).collect::<io::Result<Vec<File>>>()?;
            drop(child);
            files.iter().try_for_each(|file| file.metadata().map(drop))?;
        }
        "exit" => process::exit(7),
        "abort" => process::abort(),
        "wait" => {
            io::stdin().read_to_end(&mut Vec::new())?;
            drop(child);
        }
        other => panic!("no way {other}"),
    }
    println!("gone");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
