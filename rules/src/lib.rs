//! The catalogue of patterns that skip destructors, and the visitor that finds them.
//!
//! [`RULES`] is the catalogue as data. [`Scan`] looks for its rules in a function body, an
//! expression or a token stream and gives a [`Report`]; what it finds it finds by syntax alone, so
//! [`Imports`] says what the names of an item visibly mean.
//!
//! ```
//! use backstop_rules::{Group, Scan};
//!
//! let body: syn::Block = syn::parse_str("{ use std::process as p; p::exit(2) }")?;
//! let report = Scan::new(&[Group::Exit]).block(&body);
//! assert_eq!(report.findings[0].rule.name, "process_exit");
//! assert_eq!(report.findings[0].written, "p::exit");
//! # Ok::<(), syn::Error>(())
//! ```
#![forbid(unsafe_code)]

mod allow;
mod catalogue;
mod imports;
mod left_alone;
mod loops;
mod macro_arguments;
pub mod macros_known;
mod matching;
mod paths;
mod receivers;
mod scan;
mod scope;
mod tokens;
mod visitor;

pub use allow::{
    Allow, Allowed, Allows, Mark, Unused, is_allow_skip, statement_attrs, statement_attrs_mut,
};
pub use catalogue::{
    Call, Group, Kind, Method, RULES, Receiver, Rule, Shows, WARNINGS, rule, similar,
};
pub use imports::Imports;
pub use macros_known::{MacroKind, macro_kind};
pub use scan::{Finding, Report, Scan};
