//! Ends many at once, in the way and as often as the arguments say: `WAY COUNT ROUNDS`. For callgrind, which
//! takes a count at the end of each call of `measured`: what was made before, and its end, in turns.

use std::env;
use std::error::Error;
use std::hint::black_box;

use backstop_benches::shutdown::{End, WAYS};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let mut next = || arguments.next().ok_or("WAY COUNT ROUNDS");
    let (name, count, rounds) = (next()?, next()?.parse()?, next()?.parse()?);
    let way = WAYS.iter().find(|way| way.name == name).ok_or("no such way")?;
    for _ in 0..rounds {
        let end = (way.make)(count);
        measured(Box::new(|| ()));
        measured(end);
    }
    Ok(())
}

#[inline(never)]
fn measured(end: End) {
    black_box(end)();
}
