use backstop::must_cleanup;

struct Session(Option<String>);

#[must_cleanup]
impl Drop for Session {
    fn drop(&mut self) {
        let name = self.0.take().unwrap();
        let other = self.0.as_ref().expect("still open");
        assert!(!name.is_empty());
        assert_eq!(name, *other);
        if other.is_empty() {
            panic!("never opened");
        }
        match name.as_str() {
            "a" => todo!(),
            "b" => unreachable!(),
            _ => std::panic::panic_any(1),
        }
    }
}

struct Direct;

impl Drop for Direct {
    #[must_cleanup]
    fn drop(&mut self) {
        panic!("on the method alone");
    }
}

fn main() {
    drop((Session(None), Direct));
}
