//! Rewrites a body so that its guards are there and every way out marks how it is left.

use backstop_rules::{statement_attrs, statement_attrs_mut};
use proc_macro2::{Ident, Span};
use quote::{quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, Item, Signature, Stmt};

use super::analyze::{Cleanups, defer, is_cleanup, single_name};
use super::cleanup::Cleanup;
use super::drops;
use super::expressions::shows_awaits;
use super::guards::Emitter;
use super::leaves::{End, Value, is_cfg};
use super::marks::{Flags, Frame, Frames};
use super::ways::{Exit, Place};
use crate::no_exit::analyze::Calls;
use crate::paths::{Runtime, hidden, local, local_at};
use crate::syntax::{block_diverges, call, return_type, returns_never, verbatim};

/// Rewrites the body of a function that declares `cleanups`.
pub(crate) fn expand(
    signature: &Signature,
    body: &mut Block,
    cleanups: Cleanups,
    calls: &Calls<'_>,
    runtime: &Runtime,
) {
    drops::expand(body, &guarded_names(body), calls.imports, runtime);
    let verdict = local("verdict", 0);
    let value = match return_type(&signature.output) {
        _ if returns_never(&signature.output) => Value::Never,
        Some(ty) => {
            Value::Judged { verdict: verdict.clone(), unit: is_unit(&ty), ty: Box::new(ty) }
        }
        None => Value::Opaque,
    };
    let declared = return_type(&signature.output).filter(|_| matches!(value, Value::Judged { .. }));
    let kind = match signature.asyncness {
        Some(_) => Kind::Async,
        None => Kind::Sync,
    };
    let awaited = cleanups.iter().find(|cleanup| cleanup.awaited.is_some());
    let awaited = awaited.map(|cleanup| cleanup.span);
    let mut expander = Expander {
        runtime,
        calls,
        cleanups,
        kind,
        value,
        frames: Frames::default(),
        exits: Vec::new(),
        carried: 0,
        flags: 0,
        guards: 0,
        macros: 0,
        suspicious: Suspicion::None,
        making: Vec::new(),
        disarms: Vec::new(),
    };
    expander.block(body, &End::Function);
    let span = hidden(Span::call_site());
    for number in 0..expander.carried {
        let carried = local("carried", number);
        let none = quote_spanned!(span=> let mut #carried = ::core::option::Option::None;);
        body.stmts.insert(items(body), verbatim(none));
    }
    if let Some(place) = awaited {
        let (chain, new) = (local_at(place, "chain", 0), runtime.private("Chain", span));
        let chain = quote_spanned!(span=> let #chain = #new::new(););
        body.stmts.insert(items(body), verbatim(chain));
    }
    if let Some(ty) = declared {
        let judge = runtime.private("judge", span);
        let binding = quote_spanned!(span=> let #verdict = #judge::<#ty>().verdict(););
        body.stmts.insert(items(body), verbatim(binding));
    }
}

/// How many items a block begins with.
fn items(block: &Block) -> usize {
    block.stmts.iter().take_while(|stmt| matches!(stmt, Stmt::Item(_))).count()
}

/// Contains the panics of a destructor's body.
// Input:  { BODY }
// Output: { contained_drop(&const { Site::new("drop") }, move || { BODY }); }
pub(crate) fn contain(signature: &Signature, body: &mut Block, runtime: &Runtime) {
    let place = signature.ident.span();
    let span = hidden(place);
    let contained = runtime.private("contained_drop", span);
    let site = runtime.private("Site", place);
    let site = quote_spanned!(place=> #site::new("drop"));
    let inner = Block { brace_token: body.brace_token, stmts: std::mem::take(&mut body.stmts) };
    let call = quote_spanned!(span=> #contained(&const { #site }, move || #inner););
    body.stmts = vec![verbatim(call)];
}

/// The names that the `#[cleanup]`s of a body guard.
fn guarded_names(body: &Block) -> Vec<drops::Name> {
    struct Names(Vec<drops::Name>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_local(&mut self, local: &'ast syn::Local) {
            if let Some(attribute) = local.attrs.iter().find(|attr| is_cleanup(attr)) {
                self.0.extend(single_name(&local.pat).map(|name| drops::Name {
                    name: name.ident.to_string(),
                    awaited: Cleanup::is_awaited(attribute),
                }));
            }
            visit::visit_local(self, local);
        }
        fn visit_item(&mut self, _: &'ast Item) {}
    }
    let mut names = Names(Vec::new());
    names.visit_block(body);
    names.0
}

fn is_unit(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// What a body is run by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Sync,
    /// By whoever polls its future, and drops it.
    Async,
}

/// What a statement's macros may hide, as far as nobody else says so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspicion {
    None,
    /// An `.await`, at which the future may be dropped.
    Await,
    /// An exit of the function.
    Exit,
}

pub(super) struct Expander<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) calls: &'a Calls<'a>,
    cleanups: Cleanups,
    pub(super) kind: Kind,
    pub(super) value: Value,
    pub(super) frames: Frames,
    /// The blocks behind `async` cleanups.
    pub(super) exits: Vec<Exit>,
    /// How many values `break`s carry over such blocks.
    pub(super) carried: usize,
    flags: usize,
    guards: usize,
    /// How many macros are around this place. A guard in one is the macro's business.
    pub(super) macros: usize,
    /// What a macro of the statement at hand may hide.
    pub(super) suspicious: Suspicion,
    /// What the guarded statements around this place that are registered are making, in an `async`
    /// function: those of which each `.await` is seen.
    pub(super) making: Vec<Ident>,
    /// The switches of the guarded statements around this place.
    pub(super) disarms: Vec<Ident>,
}

impl Kind {
    /// The one of two names that is meant here.
    pub(super) fn of<'a>(self, sync: &'a str, awaited: &'a str) -> &'a str {
        match self {
            Self::Sync => sync,
            Self::Async => awaited,
        }
    }
}

fn is_guarded(block: &Block) -> bool {
    block
        .stmts
        .iter()
        .any(|stmt| statement_attrs(stmt).iter().any(is_cleanup) || defer(stmt).is_some())
}

/// Whether a tail may have a value other than `()`.
fn may_have_value(tail: &Stmt) -> bool {
    match tail {
        Stmt::Expr(Expr::If(expr), _) => expr.else_branch.is_some(),
        Stmt::Expr(Expr::Block(expr), _) if expr.label.is_none() => {
            !matches!(expr.block.stmts.last(), None | Some(Stmt::Expr(_, Some(_))))
        }
        Stmt::Expr(Expr::While(_) | Expr::ForLoop(_), _) => false,
        _ => true,
    }
}

impl<'a> Expander<'a> {
    /// Rewrites a block and what it ends with.
    pub(super) fn block(&mut self, block: &mut Block, end: &End) {
        let guarded = self.macros == 0 && is_guarded(block);
        let reaches_end = !block_diverges(block);
        let mut stmts = Vec::with_capacity(block.stmts.len() + 4);
        // Items stay first: clippy would find them after statements.
        stmts.extend(block.stmts.drain(..items(block)));
        let mut end = end.clone();
        if guarded {
            // Beside what its guards declare: the borrow checker tells of one place once.
            let place = self.cleanups.front().map_or_else(Span::call_site, |cleanup| cleanup.span);
            let flag = local_at(place, "flag", self.flags);
            self.flags += 1;
            let span = hidden(block.brace_token.span.open());
            let new = self.runtime.private(self.kind.of("Flag", "SharedFlag"), span);
            stmts.push(verbatim(quote_spanned!(span=> let #flag = #new::new();)));
            self.frames.push(Frame::Guarded(flag));
            end = end.with(self.frames.all());
        }
        let outer = std::mem::replace(&mut self.suspicious, Suspicion::None);
        let place = Place {
            end: &end,
            reaches_end,
            open: block.brace_token.span.open(),
            closing: block.brace_token.span.close(),
        };
        self.statements(std::mem::take(&mut block.stmts), place, &mut stmts);
        // Of the tail's macros, if it was not marked: the statement around this block announces them.
        self.suspicious = self.suspicious.max(outer);
        if guarded {
            self.frames.pop();
        }
        block.stmts = stmts;
    }

    /// Rewrites the statements of a block, or the last of them, and gives where the tail begins in
    /// `out`, if there is one.
    pub(super) fn statements(
        &mut self,
        stmts: Vec<Stmt>,
        place: Place<'_>,
        out: &mut Vec<Stmt>,
    ) -> Option<usize> {
        let last = self.tail_start(&stmts, place.end);
        let mut tail = None;
        let mut stmts = stmts.into_iter().enumerate();
        while let Some((index, stmt)) = stmts.next() {
            let is_tail = index >= last;
            if self.is_awaited(&stmt) {
                let rest = stmts.map(|(_, stmt)| stmt).collect();
                return Some(self.guard_awaited(stmt, is_tail, rest, place, out));
            }
            if is_tail && tail.is_none() {
                tail = Some(out.len());
            }
            self.statement(stmt, is_tail.then_some(place.end), out);
        }
        if place.reaches_end && last == usize::MAX {
            out.extend(self.end_without_tail(place.end, place.closing));
        }
        tail
    }

    /// Whether the statement has the next cleanup, and that is an `async` one.
    fn is_awaited(&self, stmt: &Stmt) -> bool {
        self.macros == 0
            && (statement_attrs(stmt).iter().any(is_cleanup) || defer(stmt).is_some())
            && self.cleanups.front().is_some_and(|cleanup| cleanup.awaited.is_some())
    }

    fn guard_awaited(
        &mut self,
        mut stmt: Stmt,
        is_tail: bool,
        rest: Vec<Stmt>,
        place: Place<'_>,
        out: &mut Vec<Stmt>,
    ) -> usize {
        if let Some(attrs) = statement_attrs_mut(&mut stmt) {
            attrs.retain(|attr| !is_cleanup(attr));
        }
        // `is_awaited` has seen it.
        let Some(cleanup) = self.cleanups.pop_front() else { return out.len() };
        let emitter = self.emitter(&stmt);
        self.awaited((stmt, is_tail), &cleanup, &emitter, rest, place, out)
    }

    /// What makes the guard of this statement.
    fn emitter(&mut self, stmt: &Stmt) -> Emitter<'a> {
        let number = self.guards;
        self.guards += 1;
        let cfg = statement_attrs(stmt).iter().filter(|attr| is_cfg(attr)).cloned().collect();
        Emitter {
            runtime: self.runtime,
            calls: self.calls,
            kind: self.kind,
            flags: self.frames.all(),
            cfg,
            number,
        }
    }

    /// Rewrites one statement, with its guard before it. `end` is there for tails.
    fn statement(&mut self, mut stmt: Stmt, end: Option<&End>, out: &mut Vec<Stmt>) {
        if self.macros > 0 {
            return self.plain(stmt, end, out);
        }
        let is_cleanup_statement = statement_attrs(&stmt).iter().any(is_cleanup);
        if let Some(attrs) = statement_attrs_mut(&mut stmt) {
            attrs.retain(|attr| !is_cleanup(attr));
        }
        let is_defer = defer(&stmt).is_some();
        if is_cleanup_statement || is_defer {
            self.guard(stmt, is_defer, end, out);
        } else {
            self.plain(stmt, end, out);
        }
    }

    fn guard(&mut self, stmt: Stmt, is_defer: bool, end: Option<&End>, out: &mut Vec<Stmt>) {
        // The analysis walked the same statements in the same order.
        let Some(cleanup) = self.cleanups.pop_front() else { return out.push(stmt) };
        let emitter = self.emitter(&stmt);
        match stmt {
            Stmt::Local(mut statement) => {
                let suspicious = self.suspicious(|this| this.visit_local_mut(&mut statement));
                let (guard, handle) = emitter.on_let(statement, &cleanup);
                self.surrounded(suspicious, out, |out| out.push(verbatim(quote!(#guard #handle))));
            }
            _ if is_defer => {
                let guard = emitter.before_statement(None, false, &cleanup);
                // An empty call of the user's own macro, or its import would be unused.
                let path = defer(&stmt).map(|mac| &mac.path);
                out.push(verbatim(quote_spanned!(hidden(cleanup.span)=> #path! {} #guard)));
            }
            other => {
                let armed = local("armed", emitter.number);
                let tells = match self.kind {
                    // Whether the value of an inner block is an error, nobody judges.
                    Kind::Sync => {
                        matches!(end, None | Some(End::Function)) || !may_have_value(&other)
                    }
                    Kind::Async => shows_awaits(&other),
                };
                let is_making = self.kind == Kind::Async && cleanup.rung.is_some() && tells;
                out.push(verbatim(emitter.before_statement(Some(&armed), tells, &cleanup)));
                // What a tail made is cleaned up at once.
                let after = emitter.after_statement(&cleanup).filter(|_| end.is_none());
                let outer = self.making.len();
                self.making.extend(is_making.then(|| local("created", emitter.number)));
                self.disarms.push(armed);
                self.plain(other, end, out);
                self.disarms.pop();
                self.making.truncate(outer);
                out.extend(after.map(verbatim));
            }
        }
    }

    /// A statement without a guard.
    pub(super) fn plain(&mut self, mut stmt: Stmt, end: Option<&End>, out: &mut Vec<Stmt>) {
        if let Some(end) = end {
            return self.tail(stmt, end, out);
        }
        let suspicious = self.suspicious(|this| match &mut stmt {
            // So that a macro in one branch is announced there, and not around the others.
            Stmt::Expr(expr @ (Expr::If(_) | Expr::Match(_)), _) => this.leaf(expr, &End::None),
            other => this.visit_stmt_mut(other),
        });
        self.surrounded(suspicious, out, |out| out.push(stmt));
    }

    /// Runs a step and says what the macros that it met may hide.
    pub(super) fn suspicious(&mut self, step: impl FnOnce(&mut Self)) -> Suspicion {
        let outer = std::mem::replace(&mut self.suspicious, Suspicion::None);
        step(self);
        std::mem::replace(&mut self.suspicious, outer)
    }

    /// Announces a statement that may hide an exit.
    // Input:  mac!();
    // Output: let before = suspect(&flag0, ..); mac!(); restore(&flag0, before);
    pub(super) fn surrounded(
        &self,
        suspicious: Suspicion,
        out: &mut Vec<Stmt>,
        statement: impl FnOnce(&mut Vec<Stmt>),
    ) {
        let flags = self.frames.all();
        if suspicious == Suspicion::None || flags.is_empty() {
            return statement(out);
        }
        let before = local("before", out.len());
        let span = hidden(Span::call_site());
        let suspect = self.suspect(&flags, suspicious);
        out.push(verbatim(quote_spanned!(span=> let #before = #suspect;)));
        statement(out);
        let restore = self.runtime.private("restore", span);
        let flags = flags.references(span);
        // A statement that never ends leaves this unreachable, and that is no fault of the user's.
        let tokens = quote_spanned!(span=> #[allow(unreachable_code)] #restore(#flags, #before););
        out.push(verbatim(tokens));
    }

    /// `suspect(&flag0, HIDDEN)`
    pub(super) fn suspect(&self, flags: &Flags, suspicious: Suspicion) -> Expr {
        let span = hidden(Span::call_site());
        let suspect = self.runtime.private("suspect", span);
        let hidden_exit = match &self.value {
            _ if suspicious == Suspicion::Await => {
                let outcome = self.runtime.public("Outcome", span);
                quote_spanned!(span=> #outcome::Cancel)
            }
            Value::Judged { verdict, .. } => {
                let trait_ = self.runtime.private("Verdict", span);
                quote_spanned!(span=> #trait_::hidden(#verdict))
            }
            Value::Opaque | Value::Never => {
                let outcome = self.runtime.public("Outcome", span);
                quote_spanned!(span=> #outcome::Success)
            }
        };
        call(suspect, vec![flags.references(span), Expr::Verbatim(hidden_exit)], span)
    }

    /// A call of the runtime's with `value`, which stands behind the other arguments; in an `async`
    /// function before them, because it may be awaited, and what borrows a flag meanwhile would be
    /// a part of the future.
    // Output: name(ARGS, VALUE), or name_async(VALUE, ARGS)
    pub(super) fn around(
        &self,
        name: [&str; 2],
        mut args: Vec<Expr>,
        value: Expr,
        span: Span,
    ) -> Expr {
        let [sync, awaited] = name;
        match self.kind {
            Kind::Sync => args.push(value),
            Kind::Async => args.insert(0, value),
        }
        call(self.runtime.private(self.kind.of(sync, awaited), span), args, span)
    }
}
