fn one() -> u8 {
    1
}

fn close(_: &mut u8) {}

fn take(_: u32) {}

#[backstop::must_cleanup]
fn binding() {
    #[cleanup(close(&mut guarded))]
    let mut guarded = one();
    let _count: u32 = one();
    let _nothing: Option<u8> = one();
    take(one());
    take("one");
}

#[backstop::must_cleanup]
fn question(early: bool) -> Result<u8, String> {
    #[cleanup(close(&mut guarded))]
    let mut guarded = one();
    let text = String::from_utf8(Vec::new())?;
    text.missing()?;
    Err(String::new())
}

#[backstop::must_cleanup]
fn unknown() {
    #[cleanup(close(&mut guarded))]
    let mut guarded = one();
    let list = Vec::new();
}

fn main() {}
