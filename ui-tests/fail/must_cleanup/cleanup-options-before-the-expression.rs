use backstop::{defer, must_cleanup};

struct Session;

impl Session {
    fn close(self) {}
}

#[must_cleanup]
fn in_the_wrong_order() {
    #[cleanup(on = failure, a.close())]
    let a = Session;

    #[cleanup(name = "session", b.close())]
    let b = Session;

    #[cleanup(survives = unwind, c.close())]
    let c = Session;

    #[cleanup(on = failure)]
    let d = Session;

    #[cleanup(timeout = "5s", d.close())]
    let e = Session;

    drop((a, b, c, d, e));
    defer!(println!("at the end"), on = failure);
}

fn main() {
    in_the_wrong_order();
}
