#[backstop::main(grace = "1s")]
fn main() -> Result<(), String> {
    let count: u32 = "many";
    missing(count)?;
    Ok(())
}
