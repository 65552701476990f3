use backstop::{defer, must_cleanup};
use std::process::ExitStatus;

struct Session;

impl Session {
    fn close(self) -> bool {
        true
    }

    fn shut(self) -> Result<(), Opaque> {
        Ok(())
    }

    fn status(&self) -> Option<ExitStatus> {
        None
    }
}

struct Opaque;

#[must_cleanup]
fn wrong() {
    #[cleanup(a.close())]
    let a = Session;

    #[cleanup(b.shut())]
    let b = Session;

    #[cleanup(c.status())]
    let c = Session;

    #[cleanup(3)]
    let d = Session;

    #[cleanup(true)]
    println!("statement");

    #[cleanup(|| ())]
    println!("statement");

    #[cleanup(async { })]
    println!("statement");

    defer! { 5 }
    drop((a, b, c, d));
}

fn main() {
    wrong();
}
