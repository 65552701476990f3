use backstop::no_exit;
use std::collections::TryReserveError;

#[no_exit]
fn refused(buffer: &mut Vec<u8>, more: usize) -> Result<(), TryReserveError> {
    if buffer.try_reserve(more).is_err() {
        std::alloc::handle_alloc_error(std::alloc::Layout::new::<u8>());
    }
    Ok(())
}

fn main() {
    refused(&mut vec![], 8);
}
