//! The options of `#[no_exit]`.

use proc_macro2::TokenStream;

use crate::args::{self, Common};
use crate::diagnostic::Errors;

#[derive(Clone)]
pub(crate) struct Args {
    pub(crate) common: Common,
}

impl Args {
    pub(crate) fn read(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut common = Common::new();
        args::read(tokens, "no_exit", &["allow", "unwinds", "crate"], errors, |entry, errors| {
            common.take_unwinds(entry, errors)
        });
        Self { common }
    }
}
