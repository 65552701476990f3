//! Marks a function for `cargo backstop verify`, which looks for it in the linked program.
//!
//! Only where [`VARIABLE`] is set while the macros run, which `verify` does for builds of its own:
//! any other expansion is not changed in any way.
//!
//! A mark is a static that the code of the function refers to, so that each instance of a generic
//! function, and whatever the optimiser makes of it, is found by what it refers to and not by its
//! name. `#[used]` keeps it in the object files of a function that is never linked, which is how
//! that is noticed. The future of an `async fn` is wrapped in one whose poll and drop refer to the
//! mark: `runtime/src/root.rs`. The reader is `cargo-backstop/src/marks.rs`: the two change together.

use backstop_rules::Allow;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, Block, Expr, Signature, Stmt, Type, parse_quote_spanned};

use crate::attribute::Attributes;
use crate::paths::{Runtime, hidden};
use crate::syntax::{return_type, verbatim};

/// The environment variable that asks for marks.
const VARIABLE: &str = "CARGO_BACKSTOP_MARK";

/// Whether this expansion is to mark its functions.
pub(crate) fn wanted() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What a mark says of a function, read before the expansion takes the attributes away.
pub(crate) struct Mark {
    place: Span,
    attributes: String,
    allows: String,
    name: String,
    /// Of an `async fn`: the runtime, and the type that the function returns, where it can be
    /// written.
    future: Option<(Runtime, Option<Type>)>,
}

impl Mark {
    /// Of a function and the attributes that apply to it.
    pub(crate) fn of(attributes: &Attributes, signature: &Signature, block: &Block) -> Self {
        let mut allows: Vec<&'static str> = Vec::new();
        for allow in attributes.common().flat_map(|common| &common.allows) {
            allows.extend(allow.rules.iter().map(|allowed| allowed.name));
        }
        allowed_in(block.to_token_stream(), &mut allows);
        allows.sort_unstable();
        allows.dedup();
        let future =
            signature.asyncness.map(|_| (attributes.runtime(), return_type(&signature.output)));
        Self {
            place: signature.ident.span(),
            attributes: attributes.names().join(","),
            allows: allows.join(","),
            name: signature.ident.to_string(),
            future,
        }
    }

    /// Puts the mark into the expanded body, and keeps the function a function of its own.
    // Input:  #[inline] fn f() { BODY }
    // Output: #[inline(never)] fn f() { { .. #[used] static MARK: [u8; N] = ..; black_box(&MARK); } BODY }
    //
    // Input:  async fn f() -> R { BODY }
    // Output: async fn f() -> R { .. #[used] static MARK ..; root::<_, R, _>(Named, async move { BODY }).await }
    pub(crate) fn put(&self, attrs: &mut Vec<Attribute>, block: &mut Block) {
        let span = hidden(self.place);
        let Self { attributes, allows, name, .. } = self;
        let kind = if self.future.is_some() { "async" } else { "sync" };
        // `line!()` and `column!()` tell the place of the tokens that name them.
        let place = self.place;
        let line = quote_spanned!(place=> ::core::line!());
        let column = quote_spanned!(place=> ::core::column!());
        let file = quote_spanned!(place=> ::core::file!());
        let mark = quote_spanned! {span=>
            const TEXT: &::core::primitive::str = ::core::concat!(
                "backstop-mark 1\n", #attributes, "\n", #allows, "\n", #kind, "\n", #name, "\n",
                ::core::module_path!(), "\n", #file, "\n", #line, "\n", #column, "\n"
            );
            #[used]
            static __BACKSTOP_MARK: [::core::primitive::u8; TEXT.len()] =
                match TEXT.as_bytes().first_chunk() {
                    ::core::option::Option::Some(bytes) => *bytes,
                    ::core::option::Option::None => [0; TEXT.len()],
                };
        };
        let Some((runtime, output)) = &self.future else {
            attrs.retain(|attribute| !attribute.path().is_ident("inline"));
            attrs.push(parse_quote_spanned!(span=> #[inline(never)]));
            let marked =
                quote_spanned!(span=> { #mark ::core::hint::black_box(&__BACKSTOP_MARK); });
            block.stmts.insert(0, verbatim(marked));
            return;
        };
        let (named, root) = (runtime.private("Mark", span), runtime.private("root", span));
        let output =
            output.as_ref().map_or_else(|| quote_spanned!(span=> _), ToTokens::to_token_stream);
        let body = &block.stmts;
        let wrapped = quote_spanned! {span=>
            #root::<_, #output, _>(
                {
                    #mark
                    struct Named;
                    impl #named for Named {
                        const MARK: &'static [::core::primitive::u8] = &__BACKSTOP_MARK;
                    }
                    Named
                },
                async move { #(#body)* },
            )
            .await
        };
        block.stmts = vec![Stmt::Expr(Expr::Verbatim(wrapped), None)];
    }
}

/// The rules of every `allow_skip(..)` among the tokens.
fn allowed_in(tokens: TokenStream, allows: &mut Vec<&'static str>) {
    let mut named = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                if named {
                    let (allow, _) = Allow::parse(group.stream(), group.span());
                    allows.extend(allow.rules.iter().map(|allowed| allowed.name));
                }
                allowed_in(group.stream(), allows);
                named = false;
            }
            TokenTree::Ident(ident) => named = ident == "allow_skip",
            TokenTree::Punct(_) | TokenTree::Literal(_) => named = false,
        }
    }
}
