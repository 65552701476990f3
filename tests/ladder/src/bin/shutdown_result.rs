//! A `main` that returns a `Result`.

use std::error::Error;
use std::fs;
use std::process::ExitCode;

#[backstop::main]
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path = std::env::args().nth(1).expect("a path");
    if path == "exit" {
        let (asked, main) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            let _asked = asked;
            backstop::exit(0)
        });
        let _ = main.recv();
    }
    let text = fs::read_to_string(path)?;
    Ok(ExitCode::from(text.trim().parse::<u8>()?))
}
