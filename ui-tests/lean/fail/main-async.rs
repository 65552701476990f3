// One error for each feature that is missing, and the body still type-checks.
#[backstop::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    std::future::ready(()).await;
    Ok(())
}
