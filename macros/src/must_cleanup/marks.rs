//! The flags of the blocks around a place, and the tokens that mark them.

use proc_macro2::{Ident, Span};
use syn::token::Bracket;
use syn::{Expr, ExprArray, ExprReference, Lifetime, Token};

use crate::paths::{self, Runtime, hidden};
use crate::syntax::call;

/// What lies around a place, outermost first.
pub(super) enum Frame {
    /// A block that holds guards, by its flag.
    Guarded(Ident),
    /// The block behind an `async` cleanup, by its number: what leaves it has to end at its end.
    Exit(usize),
    /// A loop, or a block with a label: what `break` and `continue` leave.
    Target { label: Option<Ident>, is_loop: bool },
}

#[derive(Default)]
pub(super) struct Frames(Vec<Frame>);

impl Frames {
    pub(super) fn push(&mut self, frame: Frame) {
        self.0.push(frame);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The flags of every guarded block around this place, innermost first.
    pub(super) fn all(&self) -> Flags {
        Flags(self.0.iter().rev().filter_map(flag).cloned().collect())
    }

    /// The flags of the blocks that a `break` or `continue` leaves.
    pub(super) fn until(&self, label: Option<&Lifetime>) -> Flags {
        Flags(self.left(label).filter_map(flag).cloned().collect())
    }

    /// The innermost block behind an `async` cleanup that a `break` or `continue` leaves.
    pub(super) fn exit_until(&self, label: Option<&Lifetime>) -> Option<usize> {
        self.left(label).find_map(exit)
    }

    /// The innermost block behind an `async` cleanup.
    pub(super) fn exit(&self) -> Option<usize> {
        self.0.iter().rev().find_map(exit)
    }

    /// What a `break` or `continue` leaves, innermost first.
    fn left<'a>(&'a self, label: Option<&'a Lifetime>) -> impl Iterator<Item = &'a Frame> {
        let is_target = move |frame: &&Frame| match frame {
            Frame::Guarded(_) | Frame::Exit(_) => false,
            Frame::Target { label: own, is_loop } => match label {
                Some(label) => own.as_ref() == Some(&label.ident),
                None => *is_loop,
            },
        };
        self.0.iter().rev().take_while(move |frame| !is_target(frame))
    }
}

fn exit(frame: &Frame) -> Option<usize> {
    match frame {
        Frame::Exit(number) => Some(*number),
        Frame::Guarded(_) | Frame::Target { .. } => None,
    }
}

fn flag(frame: &Frame) -> Option<&Ident> {
    match frame {
        Frame::Guarded(flag) => Some(flag),
        Frame::Exit(_) | Frame::Target { .. } => None,
    }
}

/// Flags to mark together.
#[derive(Clone, Default)]
pub(super) struct Flags(Vec<Ident>);

impl Flags {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The innermost `count`.
    pub(super) fn take(mut self, count: usize) -> Self {
        self.0.truncate(count);
        self
    }

    /// `&flag0`, or `[&flag1, &flag0]`
    pub(super) fn references(&self, span: Span) -> Expr {
        match &self.0[..] {
            [flag] => borrowed(flag, span),
            flags => references(flags, span),
        }
    }

    /// `mark(&flag0)`, which marks a success.
    pub(super) fn success(&self, runtime: &Runtime, place: Span) -> Expr {
        let span = hidden(place);
        call(runtime.private("mark", span), vec![self.references(span)], span)
    }
}

/// `[&first, &second]`
pub(super) fn references(names: &[Ident], span: Span) -> Expr {
    let elems = names.iter().map(|name| borrowed(name, span)).collect();
    Expr::Array(ExprArray { attrs: Vec::new(), bracket_token: Bracket(span), elems })
}

fn borrowed(name: &Ident, span: Span) -> Expr {
    let mut name = name.clone();
    name.set_span(span);
    reference(paths::expr(name.into()), span)
}

/// `&OPERAND`, with parentheses where the operand needs them.
pub(super) fn reference(operand: Expr, span: Span) -> Expr {
    Expr::Reference(ExprReference {
        attrs: Vec::new(),
        and_token: Token![&](span),
        mutability: None,
        expr: Box::new(operand),
    })
}
