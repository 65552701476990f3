use std::future::ready;

#[backstop::main]
async fn main() -> Result<(), String> {
    ready(()).await;
    let _still_checked: u8 = "a type error";
    Ok(())
}
