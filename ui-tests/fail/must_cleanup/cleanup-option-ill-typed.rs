use backstop::must_cleanup;

struct Session;

impl Session {
    fn close(self) {}
}

#[must_cleanup]
fn on() {
    #[cleanup(a.close(), on)]
    let a = Session;

    #[cleanup(b.close(), on = )]
    let b = Session;

    #[cleanup(c.close(), on = failed)]
    let c = Session;

    #[cleanup(d.close(), on = [error, panic])]
    let d = Session;

    #[cleanup(e.close(), on = [])]
    let e = Session;

    #[cleanup(f.close(), on = "failure")]
    let f = Session;

    #[cleanup(g.close(), on(failure))]
    let g = Session;

    #[cleanup(h.close(), on = error | unwind)]
    let h = Session;

    #[cleanup(i.close(), on = Outcome::Error)]
    let i = Session;
}

#[must_cleanup]
fn survives() {
    #[cleanup(a.close(), survives)]
    let a = Session;

    #[cleanup(b.close(), survives = panic)]
    let b = Session;

    #[cleanup(c.close(), survives = "unwind")]
    let c = Session;
}

#[must_cleanup]
fn name() {
    #[cleanup(a.close(), name)]
    let a = Session;

    #[cleanup(b.close(), name = session)]
    let b = Session;

    #[cleanup(c.close(), name = 3)]
    let c = Session;

    #[cleanup(d.close(), name = "a", name = "b")]
    let d = Session;
}

fn main() {
    on();
    survives();
    name();
}
