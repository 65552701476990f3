#![deny(warnings)]

use backstop::no_exit;

fn die(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(1)
}

#[no_exit]
fn accepted(configured: bool) -> Result<(), String> {
    if !configured {
        return Err(String::from("no config"));
    }
    Ok(())
}

#[no_exit]
fn allowed(configured: bool) -> Result<(), String> {
    if !configured {
        #[allow_skip(diverging_call, reason = "nothing is open yet")]
        die("no config");
    }
    Ok(())
}

fn main() {
    let _ = accepted(true);
    let _ = allowed as fn(bool) -> Result<(), String>;
}
