use backstop::{defer, must_cleanup};

struct Session(u8);

#[must_cleanup]
fn higher(path: &str) -> Result<usize, String> {
    #[cleanup(move || println!("closed"), survives = exit)]
    let session = Session(3);

    #[cleanup(path.to_owned(), survives = kill)]
    path.parse::<u8>().map_err(|error| error.to_string())?;

    defer!(survives = reboot, move || println!("ended"));

    Ok(usize::from(session.0))
}

fn main() {
    let _ = higher("x");
}
