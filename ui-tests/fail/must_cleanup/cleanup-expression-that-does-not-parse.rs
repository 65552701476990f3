use backstop::{defer, must_cleanup};

#[must_cleanup]
fn unreadable() {
    #[cleanup(a.close(]
    let a = 1;
}

fn main() {
    unreadable();
}
