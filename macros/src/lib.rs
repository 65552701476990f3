//! The attributes of [`backstop`](https://docs.rs/backstop), which re-exports and documents them.
//!
//! Each entry is one line over `proc_macro2`; see `ARCHITECTURE.md` for the way of an item through
//! this crate: `attribute` reads the attributes, `item` finds the functions that they apply
//! to, `function` takes each through analysis and expansion.
#![forbid(unsafe_code)]

mod args;
mod attribute;
mod diagnostic;
mod duration;
mod function;
mod helpers;
mod item;
mod macros;
mod main_attribute;
mod must_cleanup;
mod no_exit;
mod paths;
mod root;
mod scoped_spawn;
mod syntax;
#[cfg(test)]
mod tests;
mod tokens;

use attribute::Kind;
use proc_macro::TokenStream;

#[doc = include_str!("../docs/must_cleanup.md")]
#[proc_macro_attribute]
pub fn must_cleanup(args: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(Kind::MustCleanup, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/no_exit.md")]
#[proc_macro_attribute]
pub fn no_exit(args: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(Kind::NoExit, args.into(), item.into()).into()
}

#[doc = include_str!("../docs/main.md")]
#[proc_macro_attribute]
pub fn main(args: TokenStream, item: TokenStream) -> TokenStream {
    main_attribute::expand(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/scoped_spawn.md")]
#[proc_macro_attribute]
pub fn scoped_spawn(args: TokenStream, item: TokenStream) -> TokenStream {
    item::expand(Kind::ScopedSpawn, args.into(), item.into()).into()
}
