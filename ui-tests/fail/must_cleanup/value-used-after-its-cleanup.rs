use backstop::{Guard, must_cleanup};

struct Session;

impl Session {
    fn close(self) {}
    fn id(&self) -> u8 {
        1
    }
}

#[must_cleanup]
fn dropped() -> u8 {
    #[cleanup(session.close())]
    let session = Session;
    drop(session);
    session.id()
}

#[must_cleanup]
fn dismissed() -> u8 {
    #[cleanup(session.close())]
    let session = Session;
    let _kept = Guard::dismiss(session);
    session.id()
}

#[must_cleanup]
fn moved_out() -> Session {
    #[cleanup(session.close())]
    let session = Session;
    session
}

fn main() {
    dropped();
    dismissed();
    moved_out();
}
