//! A type error of the user's in a rewritten body is shown as if nothing had been rewritten.

use backstop::{must_cleanup, no_exit, scoped_spawn};

fn one() -> u8 {
    1
}

#[no_exit]
fn in_no_exit() -> u32 {
    let _x: u32 = one();
    one()
}

#[must_cleanup]
fn in_must_cleanup(input: Option<u8>) -> Result<u32, String> {
    #[cleanup(println!("closed"))]
    let x = input?;
    #[cleanup(y.missing())]
    let y: String = one();
    if *x > 1 {
        return one();
    }
    Ok(7)
}

#[scoped_spawn]
fn in_scoped_spawn() -> u32 {
    let handle = std::thread::spawn(|| one());
    handle.join().unwrap()
}

fn main() {
    in_no_exit();
    let _ = in_must_cleanup(None);
    in_scoped_spawn();
}
