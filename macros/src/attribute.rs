//! The attributes that stand on an item, this one and its siblings, read together: they share one
//! analysis, one set of errors and the helper attributes in the body.

use std::fmt;

use proc_macro2::TokenStream;
use syn::{Attribute, Meta, Path};

use crate::args::Common;
use crate::diagnostic::{Errors, message};
use crate::paths::Runtime;
use crate::{must_cleanup, no_exit, scoped_spawn};

/// An attribute of ours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    MustCleanup,
    NoExit,
    ScopedSpawn,
}

impl Kind {
    const ALL: [Self; 3] = [Self::MustCleanup, Self::NoExit, Self::ScopedSpawn];

    fn name(self) -> &'static str {
        match self {
            Self::MustCleanup => "must_cleanup",
            Self::NoExit => "no_exit",
            Self::ScopedSpawn => "scoped_spawn",
        }
    }

    fn of(attribute: &Attribute) -> Option<Self> {
        let name = &attribute.path().segments.last()?.ident;
        Self::ALL.into_iter().find(|kind| name == kind.name())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#[{}]", self.name())
    }
}

/// The attributes that apply to a function.
#[derive(Clone, Default)]
pub(crate) struct Attributes {
    pub(crate) must_cleanup: Option<must_cleanup::Args>,
    pub(crate) no_exit: Option<no_exit::Args>,
    pub(crate) scoped_spawn: Option<scoped_spawn::Args>,
    /// Whether somebody else's attribute is there, too, which may be ours under another name.
    pub(crate) others: bool,
}

impl Attributes {
    pub(crate) fn add(&mut self, kind: Kind, args: TokenStream, errors: &mut Errors) {
        match kind {
            Kind::MustCleanup => self.must_cleanup = Some(must_cleanup::Args::read(args, errors)),
            Kind::NoExit => self.no_exit = Some(no_exit::Args::read(args, errors)),
            Kind::ScopedSpawn => self.scoped_spawn = Some(scoped_spawn::Args::read(args, errors)),
        }
    }

    /// The names of those that are there.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        Kind::ALL.into_iter().filter(|kind| self.has(*kind)).map(Kind::name).collect()
    }

    fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::MustCleanup => self.must_cleanup.is_some(),
            Kind::NoExit => self.no_exit.is_some(),
            Kind::ScopedSpawn => self.scoped_spawn.is_some(),
        }
    }

    /// Takes our attributes away from an item, and gives their paths: rustc will not see them, so
    /// they have to be named elsewhere for their imports to be in use.
    pub(crate) fn take(
        &mut self,
        attributes: &mut Vec<Attribute>,
        errors: &mut Errors,
    ) -> Vec<Path> {
        let mut taken = Vec::new();
        attributes.retain(|attribute| {
            if self.must_cleanup.is_some() && attribute.path().is_ident("cleanup") {
                let text = message(
                    "`#[cleanup]` guards a `let` or another statement, and this is neither",
                    "put it on the statement that makes what is to be cleaned up",
                );
                errors.at(attribute.path(), text);
                return false;
            }
            let Some(kind) = Kind::of(attribute) else { return true };
            taken.push(attribute.path().clone());
            if self.has(kind) {
                errors.at(
                    attribute,
                    message(format!("`{kind}` is given twice"), "keep one of the two"),
                );
                return false;
            }
            let args = match &attribute.meta {
                Meta::Path(_) => TokenStream::new(),
                Meta::List(list) => list.tokens.clone(),
                Meta::NameValue(_) => {
                    let example = format!("write `{kind}` or `#[{}(..)]`", kind.name());
                    errors.at(attribute, message(format!("`{kind}` takes no `=`"), example));
                    TokenStream::new()
                }
            };
            self.add(kind, args, errors);
            false
        });
        self.others |= !attributes.iter().all(is_builtin);
        taken
    }

    /// These, and what the container around the item has besides: an item's own attribute stands
    /// in place of its container's.
    pub(crate) fn or(mut self, container: &Self) -> Self {
        self.must_cleanup = self.must_cleanup.or_else(|| container.must_cleanup.clone());
        self.no_exit = self.no_exit.or_else(|| container.no_exit.clone());
        self.scoped_spawn = self.scoped_spawn.or_else(|| container.scoped_spawn.clone());
        self.others |= container.others;
        self
    }

    pub(crate) fn common(&self) -> impl Iterator<Item = &Common> {
        let must_cleanup = self.must_cleanup.iter().map(|args| &args.common);
        let no_exit = self.no_exit.iter().map(|args| &args.common);
        let scoped_spawn = self.scoped_spawn.iter().map(|args| &args.common);
        must_cleanup.chain(no_exit).chain(scoped_spawn)
    }

    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::new(self.common().find_map(|common| common.krate.as_ref()))
    }
}

/// Whether an attribute is one of the compiler's own, or a tool's.
fn is_builtin(attribute: &Attribute) -> bool {
    const BUILTIN: [&str; 18] = [
        "allow",
        "bench",
        "cfg",
        "clippy",
        "cold",
        "deny",
        "deprecated",
        "diagnostic",
        "doc",
        "expect",
        "forbid",
        "ignore",
        "inline",
        "must_use",
        "should_panic",
        "test",
        "track_caller",
        "warn",
    ];
    let first = attribute.path().segments.first();
    first.is_some_and(|first| BUILTIN.iter().any(|name| first.ident == name))
}
