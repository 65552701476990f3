use backstop::scoped_spawn;

mod tokio {
    pub fn spawn<F>(_: F) {}
    pub mod task {
        pub fn spawn_blocking<F>(_: F) {}
    }
}

#[scoped_spawn(limit = 3)]
async fn sum(n: u32) -> Result<u32, String> {
    let one = tokio::spawn(async move { n });
    tokio::task::spawn_blocking(move || n);
    if n == 0 {
        return Err("nothing".to_owned());
    }
    drop(one.await);
    Ok(n)
}

fn main() {
    drop(sum(1));
}
