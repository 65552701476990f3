struct Session {
    #[backstop::must_cleanup]
    open: bool,
}

fn close(#[backstop::no_exit] session: Session) -> bool {
    match session.open {
        #[backstop::scoped_spawn]
        true => false,
        false => true,
    }
}

fn main() {
    close(Session { open: true });
}
