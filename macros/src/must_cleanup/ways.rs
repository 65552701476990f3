//! The block behind an `async` cleanup, which is awaited where the block ends.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Expr, ExprBreak, Lifetime, Stmt, Token};

use super::analyze::defer;
use super::cleanup::Cleanup;
use super::expand::Expander;
use super::guards::Emitter;
use super::leaves::{End, Value};
use super::marks::Frame;
use crate::paths::{hidden, local, local_at};
use crate::syntax::{relocated, verbatim};

/// The ways in which the body leaves one such block, beside its end and the function.
#[derive(Default)]
pub(super) struct Exit {
    jumps: Vec<Jump>,
}

/// A `break` or `continue` of something around the block.
#[derive(Clone)]
struct Jump {
    is_break: bool,
    label: Option<Lifetime>,
    /// Where the value of a `break` is kept meanwhile.
    carried: Option<Ident>,
}

impl Jump {
    fn is(&self, other: &Self) -> bool {
        self.is_break == other.is_break
            && self.label == other.label
            && self.carried == other.carried
    }
}

/// A block while it is being rewritten.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) end: &'a End,
    /// Whether control may get to its closing brace.
    pub(super) reaches_end: bool,
    /// The span of its braces.
    pub(super) open: Span,
    pub(super) closing: Span,
}

/// The label of the block of that number.
fn label(number: usize, span: Span) -> Lifetime {
    Lifetime::new(&format!("'__backstop_exit{number}"), hidden(span))
}

/// `{ .. }`, with braces of the user's: the edition tells when a tail's temporaries are dropped.
fn braced(stmts: TokenStream, place: Span) -> TokenStream {
    let mut group = Group::new(Delimiter::Brace, stmts);
    group.set_span(place);
    TokenTree::Group(group).into()
}

impl Expander<'_> {
    /// Rewrites a statement with an `async` cleanup and all that follows it in its block, and gives
    /// where the tail begins in `out`.
    // Input:  #[cleanup(async { conn.close().await })] let conn = open(); REST
    // Output: let value = open(); let mut owner = AwaitedOwner::new(value, ..);
    //         let way = 'exit: { let conn = owner.handle(); REST', Way::End(TAIL) };
    //         let (finish, before) = owner.begin();
    //         aw(finish, &flag0).await; restore(&flag0, before);
    //         match way { Way::End(v) => v, Way::Return(r) => return r, .. }
    pub(super) fn awaited(
        &mut self,
        (stmt, tail): (Stmt, bool),
        cleanup: &Cleanup,
        emitter: &Emitter<'_>,
        rest: Vec<Stmt>,
        place: Place<'_>,
        out: &mut Vec<Stmt>,
    ) -> usize {
        let number = emitter.number;
        let mut inner = Vec::new();
        let mut armed = None;
        let first = match stmt {
            Stmt::Local(mut statement) => {
                let suspicious = self.suspicious(|this| {
                    syn::visit_mut::VisitMut::visit_local_mut(this, &mut statement);
                });
                let (guard, handle) = emitter.on_let(statement, cleanup);
                self.surrounded(suspicious, out, |out| out.push(verbatim(guard)));
                inner.push(verbatim(handle));
                None
            }
            stmt if defer(&stmt).is_some() => {
                let guard = emitter.before_statement(None, false, cleanup);
                let path = defer(&stmt).map(|mac| &mac.path);
                out.push(verbatim(quote_spanned!(hidden(cleanup.span)=> #path! {} #guard)));
                None
            }
            stmt => {
                let switch = local("armed", number);
                out.push(verbatim(emitter.before_statement(Some(&switch), false, cleanup)));
                armed = Some(switch);
                Some(stmt)
            }
        };
        self.exits.push(Exit::default());
        let exit = self.exits.len() - 1;
        self.frames.push(Frame::Exit(exit));
        let from = self.inside(first.map(|stmt| (stmt, armed, tail)), rest, place, &mut inner);
        self.frames.pop();
        self.end_with_way(from, place, &mut inner);
        let jumps = self.exits.get_mut(exit).map(std::mem::take).unwrap_or_default().jumps;
        self.after(exit, jumps, cleanup, emitter, (from.is_some(), inner), place, out)
    }

    /// The statements of the block, and where its tail begins.
    fn inside(
        &mut self,
        first: Option<(Stmt, Option<Ident>, bool)>,
        rest: Vec<Stmt>,
        place: Place<'_>,
        inner: &mut Vec<Stmt>,
    ) -> Option<usize> {
        let mut from = None;
        if let Some((stmt, armed, tail)) = first {
            from = tail.then_some(inner.len());
            let before = self.disarms.len();
            self.disarms.extend(armed);
            self.plain(stmt, tail.then_some(place.end), inner);
            self.disarms.truncate(before);
            if tail && rest.is_empty() {
                return from;
            }
        }
        let rest = self.statements(rest, place, inner);
        from.or(rest)
    }

    /// Whether control gets to the end of a block without a tail, as a value of type `()`.
    fn ends_without_value(&self, place: Place<'_>) -> bool {
        let returns_value = matches!(place.end, End::Function)
            && !matches!(self.value, Value::Judged { unit: true, .. });
        place.reaches_end && !returns_value
    }

    /// Makes the end of the block one of its ways out.
    fn end_with_way(&self, from: Option<usize>, place: Place<'_>, inner: &mut Vec<Stmt>) {
        let span = hidden(place.closing);
        let way = self.runtime.private("Way", span);
        let value = match from {
            Some(from) => {
                let tail = inner.split_off(from);
                match &tail[..] {
                    [Stmt::Expr(value, None)] if !matches!(value, Expr::Verbatim(_)) => {
                        value.to_token_stream()
                    }
                    // With a statement in them, rustc does not find the braces idle.
                    _ => braced(quote_spanned!(span=> let _ = (); #(#tail)*), place.open),
                }
            }
            None if self.ends_without_value(place) => quote_spanned!(span=> ()),
            None => return,
        };
        let end = quote_spanned!(span=> #[allow(unreachable_code)] #way::End(#value));
        inner.push(verbatim(end));
    }

    #[allow(clippy::too_many_arguments, reason = "what the block was made of")]
    fn after(
        &mut self,
        exit: usize,
        jumps: Vec<Jump>,
        cleanup: &Cleanup,
        emitter: &Emitter<'_>,
        (has_tail, inner): (bool, Vec<Stmt>),
        place: Place<'_>,
        out: &mut Vec<Stmt>,
    ) -> usize {
        let span = hidden(cleanup.span);
        let [owner, way, finish, before, value] = ["owner", "way", "finish", "before", "value"]
            .map(|name| local_at(cleanup.span, name, emitter.number));
        let label = label(exit, cleanup.span);
        let [ways, never, aw, restore, unreachable] =
            ["Way", "Never", "aw", "restore", "unreachable_way"]
                .map(|name| self.runtime.private(name, span));
        let flags = self.frames.all().references(span);
        let ends = has_tail || self.ends_without_value(place);
        let ty = if ends { quote_spanned!(span=> _) } else { never.to_token_stream() };
        let block = braced(quote!(#(#inner)*), place.open);
        let awaited = self.during(Expr::Verbatim(quote!(#finish)), cleanup.span);
        // A block that never ends leaves this unreachable, and that is no fault of the user's.
        let allow = quote_spanned!(span=> #[allow(unreachable_code)]);
        let cfg = &emitter.cfg;
        out.push(verbatim(quote_spanned! {span=>
            let #way: #ways<#ty, _> = #label: #block;
            #(#cfg)* #allow let (#finish, #before) = #owner.begin();
            #(#cfg)* #allow #aw(#awaited, #flags).await;
            #(#cfg)* #allow #restore(#flags, #before);
        }));
        let end = if ends { quote!(#value) } else { quote_spanned!(span=> match #value {}) };
        let returned = match self.frames.exit() {
            None => quote_spanned!(span=> return #value),
            Some(outer) => {
                let outer = self::label(outer, cleanup.span);
                quote_spanned!(span=> break #outer #ways::Return(#value))
            }
        };
        let mut arms = TokenStream::new();
        for (index, jump) in jumps.into_iter().enumerate() {
            let jump = self.jump_from(jump, span);
            arms.extend(quote_spanned!(span=> #ways::Jump(#index) => #jump,));
        }
        out.push(verbatim(quote_spanned! {span=>
            #[allow(unreachable_code, clippy::needless_continue)]
            match #way {
                #ways::End(#value) => #end,
                #ways::Return(#value) => #returned,
                #arms
                #ways::Jump(_) => #unreachable(),
            }
        }));
        out.len() - 1
    }

    /// A jump that has come to the end of one block: on to the end of the next, or to its target.
    fn jump_from(&mut self, jump: Jump, span: Span) -> TokenStream {
        if let Some(outer) = self.frames.exit_until(jump.label.as_ref()) {
            return self.jump_to_end(outer, jump, span);
        }
        let Jump { is_break, label, carried } = jump;
        // The keyword is not the user's: here it may be idle, where theirs was not.
        let keyword =
            if is_break { quote_spanned!(span=> break) } else { quote_spanned!(span=> continue) };
        let value = carried.map(|carried| {
            let function = self.runtime.private("carried", span);
            quote_spanned!(span=> #function(#carried.take()))
        });
        quote_spanned!(span=> #keyword #label #value)
    }

    fn jump_to_end(&mut self, exit: usize, jump: Jump, span: Span) -> TokenStream {
        let label = label(exit, span);
        let way = self.runtime.private("Way", span);
        let Some(of) = self.exits.get_mut(exit) else { return TokenStream::new() };
        let index = of.jumps.iter().position(|known| known.is(&jump)).unwrap_or_else(|| {
            of.jumps.push(jump);
            of.jumps.len() - 1
        });
        quote_spanned!(span=> break #label #way::Jump(#index))
    }

    /// What a `break` or `continue` out of such a block becomes.
    // Input:  break 'outer e
    // Output: { carried0 = Some(e); break 'exit Way::Jump(0) }
    pub(super) fn jump_out(&mut self, expr: &mut Expr) {
        let (label, value, is_break) = match &mut *expr {
            Expr::Break(jump) => (jump.label.clone(), jump.expr.take(), true),
            Expr::Continue(jump) => (jump.label.clone(), None, false),
            _ => return,
        };
        let span = hidden(expr.span());
        let Some(exit) = self.frames.exit_until(label.as_ref()) else {
            if let Expr::Break(jump) = expr {
                jump.expr = value;
            }
            return;
        };
        let carried = value.as_ref().map(|_| {
            let carried = local("carried", self.carried);
            self.carried += 1;
            carried
        });
        let keep = carried
            .as_ref()
            .map(|carried| quote_spanned!(span=> #carried = ::core::option::Option::Some(#value);));
        let jump = self.jump_to_end(exit, Jump { is_break, label, carried }, span);
        *expr = Expr::Verbatim(quote_spanned!(span=> { #keep #jump }));
    }

    /// What a `return` in such a block becomes.
    // Input:  return e
    // Output: break 'exit Way::Return(e)
    pub(super) fn return_out(&self, expr: &mut Expr) {
        let (Some(exit), Expr::Return(returned)) = (self.frames.exit(), &mut *expr) else { return };
        let place = returned.return_token.span();
        let span = hidden(place);
        let way = self.runtime.private("Way", span);
        let value = returned.expr.take();
        *expr = Expr::Break(ExprBreak {
            attrs: std::mem::take(&mut returned.attrs),
            break_token: Token![break](place),
            label: Some(label(exit, place)),
            expr: Some(Box::new(Expr::Verbatim(quote_spanned!(span=> #way::Return(#value))))),
        });
    }

    /// What a `?` in such a block becomes.
    // Input:  e?
    // Output: (match branch(e) { Found::Value(v) => v,
    //         Found::Residual(r) => break 'exit Way::Return(left::<R, _>(r)) })
    pub(super) fn question_out(&self, expr: &mut Expr) {
        let (Some(exit), Expr::Try(question)) = (self.frames.exit(), &mut *expr) else { return };
        let place = question.expr.span();
        let span = hidden(place);
        let [way, found] = ["Way", "Found"].map(|name| self.runtime.private(name, span));
        // The user's own: where a conversion of the error says that it was called.
        let [branch, left] = ["branch", "left"].map(|name| self.runtime.private(name, place));
        let label = label(exit, place);
        let returned = match &self.value {
            // An error that does not convert is told at the `?`.
            Value::Judged { ty, .. } => {
                relocated(ty.to_token_stream(), question.question_token.span())
            }
            Value::Opaque | Value::Never => quote_spanned!(span=> _),
        };
        let base = &question.expr;
        let value = local("value", 0);
        let call = quote_spanned!(place=> #left::<#returned, _>(#value));
        let tokens = quote_spanned! {span=>
            match #branch(#base) {
                #found::Value(#value) => #value,
                #found::Residual(#value) => break #label #way::Return(#call),
            }
        };
        *expr = Expr::Paren(syn::ExprParen {
            attrs: std::mem::take(&mut question.attrs),
            paren_token: syn::token::Paren(span),
            expr: Box::new(Expr::Verbatim(tokens)),
        });
    }
}
