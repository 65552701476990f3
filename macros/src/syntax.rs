//! Questions about syntax that several passes ask.

use backstop_rules::macros_known::{MacroKind, macro_kind};
use proc_macro2::{Group, Span, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, Expr, ExprLoop, Lifetime, Path, ReturnType, Stmt, Type};

use crate::paths;

/// The expression inside parentheses and the invisible groups that `macro_rules!` leaves.
pub(crate) fn peel(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Paren(paren) => &paren.expr,
            Expr::Group(group) => &group.expr,
            _ => return expr,
        };
    }
}

/// Whether control cannot get past this expression, as far as syntax shows.
pub(crate) fn diverges(expr: &Expr) -> bool {
    match peel(expr) {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(expr) => macro_kind(&expr.mac.path) == MacroKind::Diverges,
        Expr::Block(expr) => expr.label.is_none() && block_diverges(&expr.block),
        Expr::Unsafe(expr) => block_diverges(&expr.block),
        Expr::If(expr) => expr
            .else_branch
            .as_ref()
            .is_some_and(|(_, other)| diverges(other) && block_diverges(&expr.then_branch)),
        Expr::Match(expr) => expr.arms.iter().all(|arm| diverges(&arm.body)),
        Expr::Loop(expr) => !may_end(expr),
        _ => false,
    }
}

pub(crate) fn block_diverges(block: &Block) -> bool {
    block.stmts.iter().any(statement_diverges)
}

fn statement_diverges(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Expr(expr, _) => diverges(expr),
        Stmt::Macro(stmt) => macro_kind(&stmt.mac.path) == MacroKind::Diverges,
        Stmt::Local(_) | Stmt::Item(_) => false,
    }
}

/// Whether a `loop` may end. Taking a loop for one that ends is always safe.
fn may_end(expr: &ExprLoop) -> bool {
    struct Breaks<'a> {
        label: Option<&'a Lifetime>,
        /// How many loops are between here and the one asked about.
        depth: usize,
        found: bool,
    }
    impl<'ast> Visit<'ast> for Breaks<'_> {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            let inner = matches!(expr, Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_));
            self.depth += usize::from(inner);
            visit::visit_expr(self, expr);
            self.depth -= usize::from(inner);
        }
        fn visit_expr_break(&mut self, expr: &'ast syn::ExprBreak) {
            self.found |= match &expr.label {
                Some(label) => self.label == Some(label),
                None => self.depth == 0,
            };
            visit::visit_expr_break(self, expr);
        }
        fn visit_macro(&mut self, mac: &'ast syn::Macro) {
            self.found |= mentions(mac.tokens.clone(), &["break"])
                || macro_kind(&mac.path) == MacroKind::Unknown;
        }
        fn visit_item(&mut self, _: &'ast syn::Item) {}
        fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    }
    let label = expr.label.as_ref().map(|label| &label.name);
    let mut breaks = Breaks { label, depth: 0, found: false };
    breaks.visit_block(&expr.body);
    breaks.found
}

/// Whether one of these identifiers is among the tokens, at any depth.
pub(crate) fn mentions(tokens: TokenStream, names: &[&str]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.iter().any(|name| ident == name),
        TokenTree::Group(group) => mentions(group.stream(), names),
        // Format strings name variables inside `{}`.
        TokenTree::Literal(literal) => {
            let text = literal.to_string();
            names.iter().any(|name| text.contains(&format!("{{{name}")))
        }
        TokenTree::Punct(_) => false,
    })
}

/// The first exit that its author wrote into tokens that nobody parses.
pub(crate) fn exit_token(tokens: &TokenStream) -> Option<(Span, &'static str)> {
    tokens.clone().into_iter().find_map(|token| match &token {
        TokenTree::Ident(ident) => {
            let word = [("return", "`return`"), ("break", "`break`"), ("continue", "`continue`")];
            word.into_iter().find(|(word, _)| ident == word).map(|(_, shown)| (ident.span(), shown))
        }
        TokenTree::Punct(punct) => (punct.as_char() == '?').then(|| (punct.span(), "`?`")),
        TokenTree::Group(group) => exit_token(&group.stream()),
        TokenTree::Literal(_) => None,
    })
}

/// The return type as a body can write it: `_` for each `impl Trait`. `None` where nothing of it
/// would be left.
// Input:  -> Result<impl Iterator<Item = u8>, Error>
// Output: Result<_, Error>
pub(crate) fn return_type(output: &ReturnType) -> Option<Type> {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if matches!(ty, Type::ImplTrait(_)) {
                *ty = syn::parse_quote!(_);
            } else {
                visit_mut::visit_type_mut(self, ty);
            }
        }
    }
    let ReturnType::Type(_, ty) = output else { return Some(syn::parse_quote!(())) };
    let mut ty = peel_type(ty).clone();
    Infer.visit_type_mut(&mut ty);
    (!matches!(ty, Type::Infer(_) | Type::Never(_))).then_some(ty)
}

pub(crate) fn returns_never(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(peel_type(ty), Type::Never(_)))
}

/// The type inside parentheses and the invisible groups that `macro_rules!` leaves.
pub(crate) fn peel_type(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Paren(paren) => &paren.elem,
            Type::Group(group) => &group.elem,
            _ => return ty,
        };
    }
}

/// Whether an expression is a block to the parser: as a statement it needs no semicolon, and what
/// follows it is no operator.
pub(crate) fn is_block_like(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Block(_)
            | Expr::Unsafe(_)
            | Expr::If(_)
            | Expr::Match(_)
            | Expr::Loop(_)
            | Expr::While(_)
            | Expr::ForLoop(_)
            | Expr::Const(_)
            | Expr::Async(_)
    )
}

/// Where a call or another chain ends: the span of the whole is that of its first token on stable.
pub(crate) fn last_span(expr: &Expr) -> Option<Span> {
    Some(match expr {
        Expr::Call(call) => call.paren_token.span.close(),
        Expr::MethodCall(call) => call.paren_token.span.close(),
        Expr::Await(expr) => expr.await_token.span,
        Expr::Try(expr) => expr.question_token.span,
        Expr::Macro(expr) => expr.mac.delimiter.span().close(),
        Expr::Struct(expr) => expr.brace_token.span.close(),
        Expr::Tuple(expr) => expr.paren_token.span.close(),
        _ => return None,
    })
}

/// Whether syn could not parse some part of this block.
pub(crate) fn unparsed(block: &Block) -> Option<TokenStream> {
    struct Verbatims(Option<TokenStream>);
    impl<'ast> Visit<'ast> for Verbatims {
        fn visit_expr(&mut self, expr: &'ast Expr) {
            if let Expr::Verbatim(tokens) = expr {
                // syn keeps `_` and an empty expression so; neither hides anything.
                let text = tokens.to_string();
                if self.0.is_none() && !text.is_empty() && text != "_" {
                    self.0 = Some(tokens.to_token_stream());
                }
            }
            visit::visit_expr(self, expr);
        }
        fn visit_item(&mut self, _: &'ast syn::Item) {}
    }
    let mut verbatims = Verbatims(None);
    verbatims.visit_block(block);
    verbatims.0
}

/// A block expression of these statements.
pub(crate) fn block(stmts: Vec<Stmt>, span: Span) -> Expr {
    Expr::Block(syn::ExprBlock {
        attrs: Vec::new(),
        label: None,
        block: Block { brace_token: syn::token::Brace(span), stmts },
    })
}

/// Statements that no later pass looks into.
pub(crate) fn verbatim(tokens: TokenStream) -> Stmt {
    Stmt::Expr(Expr::Verbatim(tokens), None)
}

/// A call.
pub(crate) fn call(func: Path, args: Vec<Expr>, span: Span) -> Expr {
    Expr::Call(syn::ExprCall {
        attrs: Vec::new(),
        func: Box::new(paths::expr(func)),
        paren_token: syn::token::Paren(span),
        args: args.into_iter().collect(),
    })
}

/// The call with another place of its last token: what rustc says of the whole of it, or finds around
/// it, reaches to there.
pub(crate) fn reaching(last: Span, mut call: Expr) -> Expr {
    if let Expr::Call(call) = &mut call {
        call.paren_token = syn::token::Paren(last);
    }
    call
}

/// The same tokens at another place, with the names that they had.
pub(crate) fn relocated(tokens: TokenStream, place: Span) -> TokenStream {
    let moved = |mut token: TokenTree| {
        if let TokenTree::Group(group) = &token {
            let inner = relocated(group.stream(), place);
            let mut moved = Group::new(group.delimiter(), inner);
            moved.set_span(group.span());
            token = moved.into();
        }
        token.set_span(place.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(moved).collect()
}
