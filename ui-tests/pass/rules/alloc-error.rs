#![deny(warnings)]

use backstop::no_exit;
use std::collections::TryReserveError;

#[no_exit]
fn accepted(buffer: &mut Vec<u8>, more: usize) -> Result<(), TryReserveError> {
    buffer.try_reserve(more)
}

#[no_exit]
fn allowed(buffer: &mut Vec<u8>, more: usize) -> Result<(), TryReserveError> {
    if buffer.try_reserve(more).is_err() {
        #[allow_skip(alloc_error, reason = "as every collection of std does")]
        std::alloc::handle_alloc_error(std::alloc::Layout::new::<u8>());
    }
    Ok(())
}

fn main() {
    let _ = accepted(&mut vec![], 8);
    let _ = allowed as fn(&mut Vec<u8>, usize) -> Result<(), TryReserveError>;
}
