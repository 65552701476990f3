#![deny(warnings)]

use backstop::no_exit;

#[no_exit]
fn accepted(corrupt: bool) -> Result<(), String> {
    if corrupt {
        return Err(String::from("corrupt"));
    }
    Ok(())
}

#[no_exit]
fn allowed(corrupt: bool) -> Result<(), String> {
    if corrupt {
        #[allow_skip(process_abort, reason = "memory is corrupt, destructors would spread it")]
        std::process::abort();
    }
    Ok(())
}

fn main() {
    let _ = accepted(false);
    let _ = allowed as fn(bool) -> Result<(), String>;
}
