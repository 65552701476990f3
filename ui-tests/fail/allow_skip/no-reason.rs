use backstop::{must_cleanup, no_exit, scoped_spawn};

#[no_exit(allow(process_exit))]
fn in_no_exit() {
    std::process::exit(1);
}

#[must_cleanup(allow(mem_forget))]
fn in_must_cleanup(name: String) {
    std::mem::forget(name);
}

#[scoped_spawn(allow(detached_thread))]
fn in_scoped_spawn() {
    std::thread::spawn(|| {});
}

#[no_exit]
fn on_a_statement() {
    #[allow_skip(process_exit)]
    std::process::exit(1);
}

#[no_exit(allow(process_exit))]
impl Container {
    fn in_a_container() {
        std::process::exit(1);
    }
}

struct Container;

fn main() {
    in_no_exit();
    in_must_cleanup(String::new());
    in_scoped_spawn();
    on_a_statement();
    Container::in_a_container();
}
