//! From an item to the functions in it that the attribute applies to.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Block, ImplItem, Item, ItemImpl, ItemMacro, ItemMod, ItemTrait, Path, Signature,
    TraitItem, TraitItemFn, Type,
};

use backstop_rules::{Imports, Unused, is_allow_skip};

use crate::attribute::{Attributes, Kind};
use crate::diagnostic::{Errors, message};
use crate::function::{self, Context};
use crate::paths::{Runtime, hidden};
use crate::root::{self, Mark};
use crate::syntax::{returns_never, verbatim};
use crate::tokens;

/// Expands the attribute `kind` with `args` on `item`.
///
/// On an error the errors come with the item, expanded as far as it was understood, so that the
/// rest of the file still type-checks.
pub(crate) fn expand(kind: Kind, args: TokenStream, item: TokenStream) -> TokenStream {
    expand_marked(kind, args, item, root::wanted())
}

/// As [`expand`], with a mark for `cargo backstop verify` in each function or without.
pub(crate) fn expand_marked(
    kind: Kind,
    args: TokenStream,
    item: TokenStream,
    marked: bool,
) -> TokenStream {
    let mut walk = Walk { marked, ..Walk::default() };
    let mut attributes = Attributes::default();
    attributes.add(kind, args, &mut walk.errors);
    let expanded = match parse(item.clone()) {
        Ok(mut target) => {
            walk.target(kind, &mut target, attributes);
            target.into_token_stream()
        }
        Err(error) => {
            // A check that cannot read the body must not let it pass.
            walk.errors.push(unreadable(kind, &item, &error));
            tokens::without_helpers(item)
        }
    };
    let warnings = walk.container_warnings();
    let errors = walk.errors.into_tokens();
    quote!(#errors #expanded #warnings)
}

/// What an attribute can stand on, as far as syn tells it apart.
enum Target {
    Item(Box<Item>),
    /// A method of a trait; one without a body is no item elsewhere.
    Method(Box<TraitItemFn>),
}

impl ToTokens for Target {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Item(item) => item.to_tokens(tokens),
            Self::Method(method) => method.to_tokens(tokens),
        }
    }
}

fn parse(tokens: TokenStream) -> syn::Result<Target> {
    // A `$block` of `macro_rules!` is a statement to rustc and none to syn, until it is unwrapped.
    let parsed = syn::parse2(tokens.clone())
        .or_else(|error| syn::parse2(tokens::without_groups(tokens.clone())).map_err(|_| error));
    match parsed? {
        Item::Verbatim(_) => syn::parse2(tokens).map(|method| Target::Method(Box::new(method))),
        item => Ok(Target::Item(Box::new(item))),
    }
}

/// What is the same for all functions of a container.
#[derive(Clone, Default)]
struct Scope {
    attributes: Attributes,
    context: Context,
}

#[derive(Default)]
struct Walk {
    /// Whether functions are marked for `cargo backstop verify`.
    marked: bool,
    errors: Errors,
    /// The paths of attributes that were taken from the items around the next body.
    taken: Vec<Path>,
    functions: usize,
    /// The allows of containers that a function had no use for, once for each such function.
    unused: Vec<Unused>,
    /// The runtime, for warnings beside a container.
    container: Option<Runtime>,
}

impl Walk {
    fn target(&mut self, kind: Kind, target: &mut Target, mut attributes: Attributes) {
        match target {
            Target::Method(method) => {
                self.taken.extend(attributes.take(&mut method.attrs, &mut self.errors));
                match &mut method.default {
                    Some(block) => {
                        self.directly(kind, &mut method.attrs, &method.sig, block, &attributes);
                    }
                    None => self.errors.at(
                        &method.sig.ident,
                        message(
                            format!("`{kind}` needs a body, and this function has none"),
                            "put the attribute on each implementation of the method",
                        ),
                    ),
                }
            }
            Target::Item(item) => match &mut **item {
                Item::Fn(function) => {
                    self.taken.extend(attributes.take(&mut function.attrs, &mut self.errors));
                    let syn::ItemFn { attrs, sig, block, .. } = function;
                    self.directly(kind, attrs, sig, block, &attributes);
                }
                Item::Impl(_) | Item::Trait(_) | Item::Mod(_) => {
                    self.container = Some(attributes.runtime());
                    let scope = Scope { attributes, context: Context::default() };
                    // The attribute itself is gone from the item already; its siblings are not.
                    self.item(kind, item, &scope, true);
                }
                other => self.errors.push(unsupported(kind, other)),
            },
        }
    }

    /// A function that carries the attribute itself.
    fn directly(
        &mut self,
        kind: Kind,
        attrs: &mut Vec<Attribute>,
        signature: &Signature,
        block: &mut Block,
        attributes: &Attributes,
    ) {
        if let Some(keyword) = &signature.constness {
            self.errors.at(
                keyword,
                message(
                    format!("`{kind}` does not apply to a `const fn`"),
                    "remove the attribute, or the `const`: guards cannot run at compile time",
                ),
            );
            return;
        }
        let context = Context::default();
        let mark = self.marked.then(|| Mark::of(attributes, signature, block));
        function::expand(signature, block, attributes, &context, &mut self.errors);
        if let Some(mark) = mark {
            mark.put(attrs, block);
        }
        self.name_taken(block);
    }

    /// Names the attributes that were taken from an item, in the next body.
    fn name_taken(&mut self, block: &mut Block) {
        for path in std::mem::take(&mut self.taken) {
            let span = hidden(path.span());
            let named =
                quote_spanned!(span=> const _: () = { #[allow(unused_imports)] use #path as _; };);
            block.stmts.insert(0, verbatim(named));
        }
    }

    /// An item in a container, or (`outermost`) the container itself.
    fn item(&mut self, kind: Kind, item: &mut Item, outer: &Scope, outermost: bool) {
        match item {
            Item::Fn(function) => {
                self.inside(&mut function.attrs, &function.sig, &mut function.block, outer);
            }
            Item::Impl(item) => self.implementation(item, outer),
            Item::Trait(item) => self.trait_(item, outer),
            Item::Mod(item) => self.module(kind, item, outer, outermost),
            Item::Macro(item) if item.ident.is_some() => self.macro_rules(item, outer),
            _ => {}
        }
    }

    /// A function that a container's attribute applies to.
    fn inside(
        &mut self,
        attrs: &mut Vec<Attribute>,
        signature: &Signature,
        block: &mut Block,
        outer: &Scope,
    ) {
        if signature.constness.is_some() {
            return;
        }
        let mut own = Attributes::default();
        self.taken.extend(own.take(attrs, &mut self.errors));
        let attributes = own.or(&outer.attributes);
        self.functions += 1;
        let mark = self.marked.then(|| Mark::of(&attributes, signature, block));
        let unused = function::expand_inside(
            signature,
            block,
            &attributes,
            &outer.context,
            &mut self.errors,
        );
        self.unused.extend(unused);
        if let Some(mark) = mark {
            mark.put(attrs, block);
        }
        self.name_taken(block);
    }

    /// What it expands to becomes the body's of whoever calls it.
    fn macro_rules(&mut self, item: &mut ItemMacro, outer: &Scope) {
        self.functions += 1;
        let Scope { attributes, context } = outer;
        let unused = function::check_macro(item, attributes, context, &mut self.errors);
        self.unused.extend(unused);
        item.attrs.retain(|attribute| !is_allow_skip(attribute));
    }

    fn implementation(&mut self, item: &mut ItemImpl, outer: &Scope) {
        let mut scope = self.scope(&mut item.attrs, outer);
        scope.context.drop_impl = item
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last())
            .is_some_and(|segment| segment.ident == "Drop");
        let signatures = item.items.iter().filter_map(|item| match item {
            ImplItem::Fn(function) => Some(&function.sig),
            _ => None,
        });
        let checked: Vec<String> =
            diverging(signatures).flat_map(|name| names_in_impl(&item.self_ty, &name)).collect();
        scope.context.checked.extend(checked);
        for item in &mut item.items {
            if let ImplItem::Fn(function) = item {
                self.inside(&mut function.attrs, &function.sig, &mut function.block, &scope);
            }
        }
    }

    fn trait_(&mut self, item: &mut ItemTrait, outer: &Scope) {
        let mut scope = self.scope(&mut item.attrs, outer);
        scope.context.drop_impl = false;
        // None of its own is known to unwind: an implementation elsewhere may replace it.
        for item in &mut item.items {
            if let TraitItem::Fn(TraitItemFn { attrs, sig, default: Some(block), .. }) = item {
                self.inside(attrs, sig, block, &scope);
            }
        }
    }

    fn module(&mut self, kind: Kind, item: &mut ItemMod, outer: &Scope, outermost: bool) {
        let mut scope = self.scope(&mut item.attrs, outer);
        let Some((_, items)) = &mut item.content else {
            let text = message(
                format!("`{kind}` cannot see into a module in another file"),
                "put the attribute on the items in that file",
            );
            // Inside an attributed module such a declaration is unstable, so rustc says so itself.
            if outermost {
                self.errors.at(item.mod_token, text);
            }
            return;
        };
        scope.context.imports = Imports::of_items(items);
        scope.context.drop_impl = false;
        let signatures = items.iter().filter_map(|item| match item {
            Item::Fn(function) => Some(&function.sig),
            _ => None,
        });
        scope.context.checked =
            diverging(signatures).flat_map(|name| [format!("self::{name}"), name]).collect();
        for item in items {
            self.item(kind, item, &scope, false);
        }
    }

    fn scope(&mut self, attrs: &mut Vec<Attribute>, outer: &Scope) -> Scope {
        let mut own = Attributes::default();
        self.taken.extend(own.take(attrs, &mut self.errors));
        Scope { attributes: own.or(&outer.attributes), context: outer.context.clone() }
    }

    /// One warning for each allow of a container that none of its functions had a use for.
    fn container_warnings(&self) -> TokenStream {
        let Some(runtime) = &self.container else { return TokenStream::new() };
        // Spans cannot be compared on stable; their debug form names the place.
        let place = |unused: &Unused| format!("{:?}", unused.span);
        let mut tokens = TokenStream::new();
        let mut seen: Vec<String> = Vec::new();
        for unused in &self.unused {
            let here = place(unused);
            if seen.contains(&here) {
                continue;
            }
            if self.unused.iter().filter(|other| place(other) == here).count() == self.functions {
                let warning = runtime.private("unused_allow", unused.span);
                let span = hidden(unused.span);
                tokens.extend(quote_spanned!(span=> const _: () = #warning;));
            }
            seen.push(here);
        }
        tokens
    }
}

/// The names of the functions that never return. In the same container they are under the same
/// attribute, so that they unwind.
fn diverging<'a>(
    signatures: impl Iterator<Item = &'a Signature> + 'a,
) -> impl Iterator<Item = String> + 'a {
    signatures
        .filter(|signature| signature.constness.is_none() && returns_never(&signature.output))
        .map(|signature| signature.ident.to_string())
}

/// The ways in which an `impl` names its own functions.
fn names_in_impl(self_type: &Type, function: &str) -> Vec<String> {
    let mut names = vec![format!("self.{function}"), format!("Self::{function}")];
    if let Type::Path(path) = self_type {
        names.extend(path.path.segments.last().map(|last| format!("{}::{function}", last.ident)));
    }
    names
}

fn unreadable(kind: Kind, item: &TokenStream, error: &syn::Error) -> syn::Error {
    let other = match syn::parse2::<TraitItem>(item.clone()) {
        Ok(TraitItem::Const(item)) => Some((item.const_token.span(), "an associated `const`")),
        Ok(TraitItem::Type(item)) => Some((item.type_token.span(), "an associated type")),
        _ => syn::parse2::<Statement>(item.clone()).ok().map(|it| (it.0, "a statement")),
    };
    match other {
        Some((span, what)) => inapplicable(kind, span, what),
        None => syn::Error::new(
            error.span(),
            message(
                format!("`{kind}` cannot read this item: {error}"),
                "write it without this syntax, or move it into a function without the attribute",
            ),
        ),
    }
}

/// A statement, by the place of its first token.
struct Statement(Span);

impl Parse for Statement {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let span = input.span();
        Block::parse_within(input).map(|_| Self(span))
    }
}

fn unsupported(kind: Kind, item: &Item) -> syn::Error {
    let (span, what) = match item {
        Item::Const(item) => (item.const_token.span(), "a `const`"),
        Item::Enum(item) => (item.enum_token.span(), "an `enum`"),
        Item::ExternCrate(item) => (item.crate_token.span(), "an `extern crate`"),
        Item::ForeignMod(item) => (item.abi.extern_token.span(), "an `extern` block"),
        Item::Macro(item) => (item.mac.path.span(), "a macro"),
        Item::Static(item) => (item.static_token.span(), "a `static`"),
        Item::Struct(item) => (item.struct_token.span(), "a `struct`"),
        Item::TraitAlias(item) => (item.trait_token.span(), "a trait alias"),
        Item::Type(item) => (item.type_token.span(), "a type alias"),
        Item::Union(item) => (item.union_token.span(), "a `union`"),
        Item::Use(item) => (item.use_token.span(), "a `use`"),
        other => (other.span(), "this item"),
    };
    inapplicable(kind, span, what)
}

fn inapplicable(kind: Kind, span: Span, what: &str) -> syn::Error {
    let text = message(
        format!("`{kind}` does not apply to {what}"),
        "put it on a function with a body, or on an `impl`, a `trait` or an inline `mod`",
    );
    syn::Error::new(span, text)
}
