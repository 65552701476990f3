use backstop::{defer, must_cleanup};

#[must_cleanup]
fn leaves() -> Result<(), String> {
    #[cleanup(println!("{:?}", "x".parse::<u8>().map_err(|_| String::new())?))]
    let a = 1;

    #[cleanup(drop(vec![return Ok(())]))]
    let b = 2;

    defer! { return Ok(()); }
    defer! { println!("{a} {b}"); Err(String::new())?; }
    Ok(())
}

fn main() {
    let _ = leaves();
}
