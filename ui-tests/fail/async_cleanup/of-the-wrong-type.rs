use backstop::must_cleanup;

#[must_cleanup]
async fn wrong() -> Result<u8, String> {
    #[cleanup(async { 7 })]
    let a = 1_u8;
    let n = "x".parse::<u8>()?;
    Ok(n + *a)
}

fn main() {
    drop(wrong());
}
