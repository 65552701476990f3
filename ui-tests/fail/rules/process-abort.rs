use backstop::no_exit;

#[no_exit]
fn refused(corrupt: bool) -> Result<(), String> {
    if corrupt {
        std::process::abort();
    }
    Ok(())
}

fn main() {
    refused(false);
}
