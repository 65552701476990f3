//! Removes the helper attributes of a body, and refuses those that stand where they mean nothing.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use backstop_rules::{is_allow_skip, statement_attrs_mut};
use proc_macro2::{Ident, TokenTree};
use quote::{ToTokens as _, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Block, Expr, Item, Local, Macro, Meta, Pat, Stmt};

use crate::diagnostic::{Errors, message};
use crate::macros::{list, with_code};
use crate::must_cleanup::analyze::{defer, is_cleanup, is_defer, not_available, own_exits};
use crate::paths::{Runtime, hidden};
use crate::syntax::{mentions, verbatim};

/// What becomes of the `#[cleanup]`s of a body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cleanups {
    /// No `#[must_cleanup]` applies, and another attribute may know what they are.
    Foreign,
    /// No `#[must_cleanup]` applies, and nobody else knows them.
    Refused,
    /// Those on statements stay for the expansion.
    Expanded,
}

/// Removes what the expansion will not take away itself.
pub(crate) fn remove(body: &mut Block, cleanups: Cleanups, runtime: &Runtime, errors: &mut Errors) {
    let ours = cleanups != Cleanups::Foreign;
    let refused = usize::from(cleanups == Cleanups::Refused);
    let untold = (refused > 0).then_some(Untold::NoAttribute);
    Remover { ours, refused, untold, runtime, errors }.visit_block_mut(body);
}

/// Why a cleanup is refused of which nobody has told yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Untold {
    NoAttribute,
    Macro,
}

impl Untold {
    fn message(self) -> String {
        match self {
            Self::NoAttribute => message(
                "`#[cleanup]` makes a guard under `#[must_cleanup]` only",
                "put `#[must_cleanup]` on the function, too",
            ),
            Self::Macro => not_available("a macro"),
        }
    }
}

struct Remover<'a> {
    /// Whether `#[cleanup]` is ours to remove.
    ours: bool,
    /// How many things are around this place in which cleanups were refused.
    refused: usize,
    /// Why, where this walk has to say so.
    untold: Option<Untold>,
    runtime: &'a Runtime,
    errors: &'a mut Errors,
}

impl Remover<'_> {
    /// Keeps a refused statement's types: what its name would have been, it is to the rest.
    // Input:  #[cleanup(EXPR)] let name: T = INIT;
    // Output: let name = refused::<T>(INIT);
    fn refuse(&self, local: &mut Local) {
        let Some(init) = &mut local.init else { return };
        let span = hidden(local.let_token.span());
        let refused = self.runtime.private("refused", span);
        let value = &init.expr;
        let call = match &local.pat {
            Pat::Type(typed) => {
                let ty = &typed.ty;
                quote_spanned!(span=> #refused::<#ty>(#value))
            }
            _ => quote_spanned!(span=> #refused(#value)),
        };
        *init.expr = Expr::Verbatim(call);
        if let Pat::Type(typed) = &local.pat {
            local.pat = (*typed.pat).clone();
        }
    }

    /// A `defer!` in place of a value, which would be none.
    // Input:  let x = defer!(EXPR);
    // Output: let x = ();
    fn no_statement(&mut self, expr: &mut Expr) {
        let Expr::Macro(defer) = &*expr else { return };
        let text = message(
            "`defer!` is a statement, and this is a place for a value",
            "write it as a statement of its own, in the block at whose end it is to run",
        );
        self.errors.at(&defer.mac.path, text);
        *expr = Expr::Verbatim(quote_spanned!(hidden(defer.mac.path.span())=> ()));
    }

    fn misplaced(&mut self, attribute: &Attribute) {
        self.errors.at(
            attribute.path(),
            message(
                "`#[cleanup]` guards a `let` or another statement, and this is neither",
                "put it on the statement that makes what is to be cleaned up",
            ),
        );
    }
}

impl VisitMut for Remover<'_> {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if defer(stmt).is_some() {
            return;
        }
        let mut kept = statement_attrs_mut(stmt).map(std::mem::take).unwrap_or_default();
        visit_mut::visit_stmt_mut(self, stmt);
        let conditional = kept.iter().find_map(conditional_cleanup);
        let refused = match (&conditional, kept.iter().find(|attribute| is_cleanup(attribute))) {
            _ if !self.ours => false,
            (Some(name), _) => {
                self.errors.at_span(name.span(), in_cfg_attr());
                true
            }
            (None, Some(attribute)) if self.refused > 0 => {
                if let Some(untold) = self.untold {
                    self.errors.at(attribute.path(), untold.message());
                }
                true
            }
            _ => false,
        };
        if refused {
            if let Stmt::Local(local) = stmt {
                self.refuse(local);
            }
            kept.retain(|attribute| {
                !is_cleanup(attribute) && conditional_cleanup(attribute).is_none()
            });
        }
        let goes =
            |attribute: &Attribute| is_allow_skip(attribute) || self.ours && is_cleanup(attribute);
        if kept.iter().any(goes) {
            keep_braces(stmt);
        }
        kept.retain(|attribute| !is_allow_skip(attribute));
        if let Some(attributes) = statement_attrs_mut(stmt) {
            attributes.splice(0..0, kept);
        }
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| {
            let misplaced = self.ours && is_cleanup(attribute);
            if misplaced {
                self.misplaced(attribute);
            }
            !misplaced && !is_allow_skip(attribute)
        });
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if self.ours && is_defer(expr) {
            return self.no_statement(expr);
        }
        let own_exits = own_exits(expr).is_some();
        self.refused += usize::from(own_exits);
        visit_mut::visit_expr_mut(self, expr);
        self.refused -= usize::from(own_exits);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if !mentions(mac.tokens.clone(), &["cleanup", "allow_skip"]) {
            return;
        }
        let outer = self.untold;
        self.untold = outer.or(Some(Untold::Macro));
        self.refused += 1;
        let prints = macro_kind(&mac.path) == MacroKind::Stringifies;
        if !with_code(mac, self) && prints {
            // Its text changes: rustc would not know the attribute.
            if let Some(mut arguments) = list(mac) {
                arguments.iter_mut().for_each(|argument| self.visit_expr_mut(argument));
                mac.tokens = arguments.into_token_stream();
            }
        }
        self.refused -= 1;
        self.untold = outer;
    }

    // Items in a body are not the body's; only what stands on them is.
    fn visit_item_mut(&mut self, item: &mut Item) {
        if let Some(attributes) = attributes_of(item) {
            self.visit_attributes_mut(attributes);
        }
    }
}

/// Braces that carry an attribute are not idle to rustc, nor are they without it.
// Input:  { f() }
// Output: { let _ = (); f() }
fn keep_braces(stmt: &mut Stmt) {
    let Stmt::Expr(Expr::Block(braced), _) = stmt else { return };
    let span = hidden(braced.block.brace_token.span.open());
    braced.block.stmts.insert(0, verbatim(quote_spanned!(span=> let _ = ();)));
}

/// The `cleanup` of a `#[cfg_attr(.., cleanup(..))]`.
fn conditional_cleanup(attribute: &Attribute) -> Option<Ident> {
    let Meta::List(list) = &attribute.meta else { return None };
    if !attribute.path().is_ident("cfg_attr") {
        return None;
    }
    let mut tokens = list.tokens.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        let called = matches!(tokens.peek(), Some(TokenTree::Group(_)));
        match token {
            TokenTree::Ident(name) if called && name == "cleanup" => return Some(name),
            _ => {}
        }
    }
    None
}

fn in_cfg_attr() -> String {
    message(
        "`#[cleanup]` in `cfg_attr` is not available in this version of backstop",
        "write the statement twice: under `#[cfg(..)]` with `#[cleanup]`, and under `#[cfg(not(..))]` \
         without",
    )
}

fn attributes_of(item: &mut Item) -> Option<&mut Vec<Attribute>> {
    Some(match item {
        Item::Const(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Macro(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        Item::Static(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        Item::Type(item) => &mut item.attrs,
        Item::Use(item) => &mut item.attrs,
        _ => return None,
    })
}
