use backstop::scoped_spawn;
use std::thread;

mod tokio {
    pub fn spawn<F>(_: F) {}
    pub mod runtime {
        pub struct Handle;
    }
}

async fn work() -> u8 {
    1
}

#[scoped_spawn]
async fn a_thread() -> u32 {
    thread::spawn(|| {});
    1
}

#[scoped_spawn]
pub async fn as_a_value() {
    [work()].map(tokio::spawn);
}

#[scoped_spawn]
pub async fn bare() {
    spawn(work());
}

fn spawn<F>(_: F) {}

#[scoped_spawn(deadline = "soon")]
pub async fn ill_typed_deadline() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[scoped_spawn(deadline = "5s")]
pub async fn deadline_without_an_error() -> u32 {
    tokio::spawn(work());
    1
}

#[scoped_spawn]
pub async fn borrows(text: &str) -> usize {
    tokio::spawn(async move { text.len() });
    1
}

#[scoped_spawn]
pub async fn wrong_type() -> u32 {
    tokio::spawn(work());
    "text"
}

#[scoped_spawn(deadline = 5)]
pub async fn unitless_deadline() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[scoped_spawn(deadline = limit)]
pub async fn deadline_of_another_type(limit: u64) -> Result<(), Box<dyn std::error::Error>> {
    drop(limit);
    Ok(())
}

fn main() {
    drop((unitless_deadline(), deadline_of_another_type(5)));
    drop((a_thread(), as_a_value(), bare(), ill_typed_deadline()));
    drop((deadline_without_an_error(), borrows(""), wrong_type(), tokio::runtime::Handle));
}
