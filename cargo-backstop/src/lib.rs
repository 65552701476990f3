//! What is behind `cargo backstop`: a linked program as a call graph, and what in it skips
//! destructors.
//!
//! [`program`] reads a linked file into a [`graph`]; [`policy`] says which of its functions skip
//! destructors and what is assumed not to happen; [`verdict`] decides for each annotated function;
//! [`report`] tells. [`canary`] sees that the standard library is one that is known. [`compile`] and [`wrapper`] make a build that can be read so.
#![forbid(unsafe_code)]

pub mod audit;
pub mod canary;
pub mod cli;
pub mod compile;
pub mod explain;
pub mod graph;
pub mod init;
pub mod names;
pub mod policy;
pub mod program;
pub mod report;
pub mod source;
pub mod verdict;
pub mod verify;
pub mod wrapper;
