use backstop::must_cleanup;

struct Session;

impl Session {
    fn close(self) {}
}

#[must_cleanup]
fn options() {
    #[cleanup(a.close(), when = failure)]
    let a = Session;

    #[cleanup(b.close(), failure)]
    let b = Session;

    #[cleanup(c.close(), on = failure, on = success)]
    let c = Session;

    #[cleanup(d.close(), on = failure, unknown(x), name = "d")]
    let d = Session;

    #[cleanup(e.close(), "text")]
    let e = Session;

    #[cleanup(f.close(), crate = ::backstop)]
    let f = Session;

    #[cleanup(g.close() on = failure)]
    let g = Session;

    #[cleanup(h.close(), allow(panic_abort, reason = "belongs to the function"))]
    let h = Session;

    #[cleanup(i.close(),)]
    let i = Session;
}

fn main() {
    options();
}
