use backstop::scoped_spawn;

mod tokio {
    pub fn spawn<F>(_: F) {}
}

async fn work() {}

#[scoped_spawn]
fn refused() {
    tokio::spawn(work());
}

fn main() {
    refused();
}
