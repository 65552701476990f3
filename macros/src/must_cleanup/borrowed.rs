//! Parameters that an `async` cleanup borrows: it may end after the function, and the borrow checker
//! does not say what to do about that.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::{Span, TokenStream};
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprPath, FnArg, Macro, PatIdent, ReceiverKind, Signature, Type};

use super::analyze::single_name;
use crate::macros::arguments;
use crate::syntax::mentions;

/// The parameters that are references of a lifetime without a name, apart from those whose name is
/// bound anew somewhere in the body.
pub(super) fn parameters(signature: &Signature, body: &Block) -> Vec<String> {
    let mut names: Vec<String> = signature.inputs.iter().filter_map(reference).collect();
    if !names.is_empty() {
        let mut bound = Bound::default();
        bound.visit_block(body);
        names.retain(|name| !bound.may_be(name));
    }
    names
}

fn reference(parameter: &FnArg) -> Option<String> {
    match parameter {
        FnArg::Receiver(receiver) => {
            matches!(receiver.kind, ReceiverKind::Reference(_, None, _)).then(|| "self".to_owned())
        }
        FnArg::Typed(typed) => match &*typed.ty {
            Type::Reference(ty) if ty.lifetime.is_none() => {
                single_name(&typed.pat).map(|name| name.ident.to_string())
            }
            _ => None,
        },
    }
}

/// What binds names.
#[derive(Default)]
struct Bound {
    patterns: Vec<String>,
    /// Of macros of unknown syntax.
    macros: Vec<TokenStream>,
}

impl Bound {
    fn may_be(&self, name: &str) -> bool {
        self.patterns.iter().any(|bound| bound == name)
            || self.macros.iter().any(|tokens| mentions(tokens.clone(), &[name]))
    }
}

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, name: &'ast PatIdent) {
        self.patterns.push(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        match arguments(mac) {
            Some(arguments) => arguments.iter().for_each(|argument| self.visit_expr(argument)),
            None if macro_kind(&mac.path) == MacroKind::Unknown => {
                self.macros.push(mac.tokens.clone());
            }
            None => {}
        }
    }
}

/// The first of these names that a cleanup mentions, and where.
pub(super) fn mentioned(expr: &Expr, names: &[String]) -> Option<(String, Span)> {
    let mut bound = Bound::default();
    bound.visit_expr(expr);
    let names = names.iter().filter(|name| !bound.may_be(name)).cloned().collect();
    let mut mentions = Mentions { names, found: None };
    mentions.visit_expr(expr);
    mentions.found
}

struct Mentions {
    names: Vec<String>,
    found: Option<(String, Span)>,
}

impl Mentions {
    fn find(&mut self, span: Span, is: impl Fn(&str) -> bool) {
        if self.found.is_none() {
            self.found = self.names.iter().find(|name| is(name)).map(|name| (name.clone(), span));
        }
    }
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if let Some(ident) = path.path.get_ident() {
            self.find(ident.span(), |name| ident == name);
        }
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        let arguments = arguments(mac).into_iter().flatten();
        let mut is_format = true;
        for argument in arguments {
            match &argument {
                // The first string names variables inside `{}`.
                Expr::Lit(literal) if is_format => {
                    let text = literal.to_token_stream().to_string();
                    let named = |name: &str| {
                        ["}", ":"].iter().any(|end| text.contains(&format!("{{{name}{end}")))
                    };
                    self.find(literal.span(), named);
                    is_format = false;
                }
                other => self.visit_expr(other),
            }
        }
    }
}
