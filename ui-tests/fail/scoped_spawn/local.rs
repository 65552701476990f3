use backstop::scoped_spawn;

mod tokio {
    pub mod task {
        pub fn spawn_blocking<F>(_: F) {}
        pub fn spawn_local<F>(_: F) {}
    }
    pub fn spawn<F>(_: F) {}
}

#[scoped_spawn(local)]
pub async fn blocks(text: &str) {
    tokio::spawn(async { text.len() });
    tokio::task::spawn_blocking(|| {});
}

#[scoped_spawn(local = "yes")]
pub async fn takes_no_value() {
    tokio::spawn(async {});
}

#[scoped_spawn(name = 3)]
pub async fn ill_named() {
    tokio::spawn(async {});
}

#[scoped_spawn]
pub async fn not_asked_for() {
    tokio::task::spawn_local(async {});
}

#[scoped_spawn]
pub async fn unknown_builder() {
    Builder::new().spawn(async {});
}

struct Builder;

impl Builder {
    fn new() -> Self {
        Self
    }
    fn spawn<F>(self, _: F) {}
}

#[scoped_spawn(local)]
pub async fn borrows_from_the_body() {
    let text = String::from("text");
    tokio::spawn(async { text.len() });
}

#[scoped_spawn(local)]
pub async fn not_send(cell: &std::cell::Cell<u32>) {
    tokio::spawn(async { cell.set(1) });
}

fn main() {}
