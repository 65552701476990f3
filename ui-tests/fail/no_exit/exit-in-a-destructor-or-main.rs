use backstop::no_exit;

struct Session;

#[no_exit]
impl Drop for Session {
    fn drop(&mut self) {
        std::process::exit(1);
    }
}

#[no_exit]
fn main() {
    drop(Session);
    std::process::exit(2);
}
