//! What the example `web_service` is about, apart from what people are to copy from it: a shop with its
//! database, a supplier that takes its time, the same service in plain tokio, and the demonstration
//! that compares them.
#![forbid(unsafe_code)]

pub mod clients;
pub mod demo;
pub mod options;
pub mod plain;
pub mod shop;
pub mod supplier;
