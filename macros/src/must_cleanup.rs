//! `#[must_cleanup]`: every declared cleanup runs on every way out, told apart by how it was left.

pub(crate) mod analyze;
mod args;
mod borrowed;
mod cleanup;
mod drops;
pub(crate) mod expand;
mod expressions;
mod guards;
mod leaves;
mod lints;
mod marks;
pub(crate) mod returned;
mod rung;
mod text;
mod ways;

pub(crate) use args::Args;
