//! Lints that are expected on a guarded `let`, which becomes two: of the value, and of its name.

use syn::punctuated::Punctuated;
use syn::{Attribute, Meta, Token, parse_quote};

/// Lints about a name, and the groups that they are in.
const OF_THE_NAME: [&str; 5] =
    ["unused", "unused_variables", "unused_mut", "non_snake_case", "warnings"];

/// The attributes on the binding of the name. What is expected of the value is allowed here: an
/// expectation on both would stay unfulfilled on one.
// Input:  #[expect(unused_mut, deprecated, reason = "..")]
// Output: #[allow(deprecated, reason = "..")] #[expect(unused_mut, reason = "..")]
pub(super) fn of_the_name(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().flat_map(|attribute| divided(attribute, true)).collect()
}

/// And on the value.
// Output: #[allow(unused_mut, reason = "..")] #[expect(deprecated, reason = "..")]
pub(super) fn of_the_value(attributes: &[Attribute]) -> Vec<Attribute> {
    attributes.iter().flat_map(|attribute| divided(attribute, false)).collect()
}

fn divided(attribute: &Attribute, is_name: bool) -> Vec<Attribute> {
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let lints = match attribute.parse_args_with(parse) {
        Ok(lints) if attribute.path().is_ident("expect") => lints,
        _ => return vec![attribute.clone()],
    };
    let (reason, lints): (Vec<_>, Vec<_>) =
        lints.into_iter().partition(|lint| lint.path().is_ident("reason"));
    let (expected, allowed): (Vec<_>, Vec<_>) = lints
        .into_iter()
        .partition(|lint| is_name == OF_THE_NAME.iter().any(|name| lint.path().is_ident(name)));
    let mut attributes = Vec::new();
    if !allowed.is_empty() {
        attributes.push(parse_quote!(#[allow(#(#allowed,)* #(#reason)*)]));
    }
    if !expected.is_empty() {
        attributes.push(parse_quote!(#[expect(#(#expected,)* #(#reason)*)]));
    }
    attributes
}
