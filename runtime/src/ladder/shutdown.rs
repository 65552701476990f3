//! `#[backstop::main]`: from the first signal to the exit status.
