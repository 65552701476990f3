// The body still type-checks, and nothing else is said of it.
#[backstop::main(grace = "3s")]
fn main() -> Result<(), String> {
    let count: u8 = "3".parse::<u8>().map_err(|error| error.to_string())?;
    assert_eq!(count, 3);
    Ok(())
}
