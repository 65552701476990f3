//! What a caller asks for, and what it gets.

use crate::allow::{Allow, Allows, Unused};
use crate::catalogue::{Group, Kind, Rule};
use crate::imports::Imports;
use crate::scope::type_kind;
use crate::visitor::Visitor;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use std::fmt::Display;
use syn::visit::Visit;
use syn::{Block, Expr, FnArg, Pat, Signature};

/// A search for the rules of some groups.
#[derive(Clone, Debug)]
pub struct Scan<'a> {
    groups: Vec<Group>,
    pedantic: bool,
    imports: Option<&'a Imports>,
    parameters: Vec<(String, Option<Kind>)>,
    allows: Vec<Allow>,
}

impl<'a> Scan<'a> {
    /// Looks for the rules of `groups`, but not for the pedantic ones.
    #[must_use]
    pub fn new(groups: &[Group]) -> Self {
        Self {
            groups: groups.to_vec(),
            pedantic: false,
            imports: None,
            parameters: Vec::new(),
            allows: Vec::new(),
        }
    }

    /// Whether to look for the pedantic rules of the groups, too.
    #[must_use]
    pub fn pedantic(mut self, yes: bool) -> Self {
        self.pedantic = yes;
        self
    }

    /// What is imported and declared around the function. What the body itself imports is found
    /// without, block by block.
    #[must_use]
    pub fn imports(mut self, imports: &'a Imports) -> Self {
        self.imports = Some(imports);
        self
    }

    /// The function's parameters: their names are local, and their types say more.
    #[must_use]
    pub fn signature(mut self, signature: &Signature) -> Self {
        for input in &signature.inputs {
            if let FnArg::Typed(input) = input {
                if let Pat::Ident(pat) = &*input.pat {
                    let name = crate::paths::name(&pat.ident);
                    self.parameters.push((name, type_kind(&input.ty)));
                }
            }
        }
        self
    }

    /// Allows something for all that is scanned. May be called several times.
    #[must_use]
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allows.push(allow);
        self
    }

    /// Searches a function's body.
    #[must_use]
    pub fn block(self, block: &Block) -> Report {
        self.run(|visitor| visitor.visit_block(block))
    }

    /// Searches an expression.
    #[must_use]
    pub fn expr(self, expr: &Expr) -> Report {
        self.run(|visitor| visitor.visit_expr(expr))
    }

    /// Searches tokens of unknown syntax: statements where they parse as such, else paths and
    /// method calls by token sequence.
    #[must_use]
    pub fn tokens(self, tokens: TokenStream) -> Report {
        self.run(|visitor| visitor.unknown(tokens))
    }

    fn run(self, search: impl FnOnce(&mut Visitor<'_>)) -> Report {
        let nothing = Imports::default();
        let of_function = self.allows.len();
        let mut visitor = Visitor::new(
            &self.groups,
            self.pedantic,
            self.imports.unwrap_or(&nothing),
            self.parameters,
            Allows::of_function(self.allows),
        );
        search(&mut visitor);
        let mut report = visitor.finish();
        report.allows = report.allows.rewound(of_function);
        report
    }
}

/// What a [`Scan`] found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// What breaks a rule and is not allowed, in the order of the source.
    pub findings: Vec<Finding>,
    /// Malformed `#[allow_skip(..)]` attributes.
    pub errors: Vec<syn::Error>,
    /// Every allow, and whether it was of use.
    pub allows: Allows,
}

impl Report {
    /// The allowed names that allowed nothing. A caller that looks for more than this crate does
    /// asks [`Allows::unused`] after its own walk.
    #[must_use]
    pub fn unused(&self) -> Vec<Unused> {
        self.allows.unused()
    }
}

/// One place where a rule is broken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The offending tokens: the path, the method's name, the macro's path or the loop's keyword.
    /// On a stable compiler, which cannot join spans, a path's first name; see [`Self::error`].
    pub span: Span,
    /// How it is written: `process::exit`, `.leak()`, `asm!`, `loop`.
    pub written: String,
    /// What it stands for, where that is spelled otherwise: `std::process::exit`.
    pub via: Option<String>,
    /// Whether the function is not called here but passed as a value.
    pub as_value: bool,
    pub(crate) ends: (Span, Span),
}

impl Finding {
    /// The defect in rustc's manner: "`quit` (`std::process::exit`) ends the process ..".
    #[must_use]
    pub fn describe(&self) -> String {
        let via = self.via.as_ref().map_or_else(String::new, |via| format!(" (`{via}`)"));
        format!("`{}`{via} {}", self.written, self.rule.reason)
    }

    /// An error whose caret is under all of the offending tokens, on a stable compiler as well.
    #[must_use]
    pub fn error(&self, message: impl Display) -> syn::Error {
        // `new_spanned` takes the first and the last token; their text is not used.
        let token = |span| TokenTree::Ident(Ident::new("_found", span));
        let tokens: TokenStream = [token(self.ends.0), token(self.ends.1)].into_iter().collect();
        syn::Error::new_spanned(tokens, message)
    }
}
