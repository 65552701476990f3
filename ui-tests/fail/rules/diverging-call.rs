use backstop::no_exit;

fn die(reason: &str) -> ! {
    eprintln!("{reason}");
    std::process::exit(1)
}

#[no_exit]
fn refused(configured: bool) -> Result<(), String> {
    if !configured {
        die("no config");
    }
    Ok(())
}

fn main() {
    let _ = refused(true);
}
