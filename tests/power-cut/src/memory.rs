//! Using up the memory of the machine.

use std::error::Error;
use std::hint::black_box;

/// Takes all the memory there is. The kernel ends this, by ending the process.
///
/// # Errors
///
/// If the kernel refuses memory instead.
pub fn use_up() -> Result<(), Box<dyn Error>> {
    const CHUNK: usize = 1 << 20;
    let mut taken: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut chunk = Vec::new();
        chunk.try_reserve_exact(CHUNK)?;
        // Pages that were never written take no memory.
        chunk.resize(CHUNK, 0xa5);
        taken.push(black_box(chunk));
    }
}
