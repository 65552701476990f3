use backstop::must_cleanup;

struct Session;

impl Session {
    async fn close(self) {}
    fn end(self) {}
}

#[must_cleanup]
async fn options() {
    #[cleanup(async { a.close().await }, timeout = "5 parsecs")]
    let a = Session;

    #[cleanup(async { b.close().await }, timeout = "0s")]
    let b = Session;

    #[cleanup(async { c.close().await }, timeout = 5)]
    let c = Session;

    #[cleanup(async { d.close().await }, survives = exit)]
    let d = Session;

    #[cleanup(e.end(), timeout = "5s")]
    let e = Session;

    #[cleanup(f.close().await)]
    let f = Session;

    let _ = (&a, &b, &c, &d, &e, &f);
}

fn main() {
    drop(options());
}
