use backstop::must_cleanup;

fn poll() -> bool {
    true
}

#[must_cleanup]
fn refused() {
    loop {
        poll();
    }
}

#[must_cleanup]
fn refused_as_while() {
    #[allow(while_true)]
    while true {
        poll();
    }
}

fn main() {
    refused();
    refused_as_while();
}
