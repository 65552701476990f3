use backstop::must_cleanup;

struct Session(u8);

impl Session {
    async fn close(self) {
        println!("{}", self.0);
    }
}

#[must_cleanup]
async fn open() -> Result<usize, String> {
    #[cleanup(async { session.close().await }, timeout = "5s")]
    let session = Session(3);
    if session.0 == 0 {
        return Err("no".to_owned());
    }
    Ok(usize::from(session.0))
}

fn main() {
    drop(open());
}
