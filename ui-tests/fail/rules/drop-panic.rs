use backstop::must_cleanup;

struct Session(Option<String>);

#[must_cleanup]
impl Drop for Session {
    fn drop(&mut self) {
        let name = self.0.take().unwrap();
        assert!(!name.is_empty());
    }
}

fn main() {
    drop(Session(None));
}
