//! What ends a process, and what is assumed not to happen.

mod callers;
pub mod file;
mod standard;
mod table;

pub(crate) use callers::{counts_references, is_numbered, of_ender, of_spawner, unwinds};
pub use standard::RELEASES;
pub(crate) use standard::{is_of_child, is_own};
pub use table::{ASSUMPTIONS, Assumption, COMMAND_CHILD, REFCOUNT, RUSTIX, STANDARD, Sink};

use backstop_rules::Group;

use crate::graph::Node;
use crate::names::{readable, without_generics};
use crate::program::{Kind, Program};
use crate::verdict::Known;

/// What a node means to a verdict.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// It skips destructors.
    Sink(&'static Sink),
    /// It would, but is assumed not to be reached.
    Assumed(&'static Assumption, &'static Sink),
}

/// Which assumptions hold.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Names of assumptions that are not made.
    pub not_assumed: Vec<String>,
    /// What is known not to happen in this program.
    pub known: Vec<Known>,
    /// Where each of [`known`](Self::known) was said.
    pub entries: Vec<file::Entry>,
}

impl Policy {
    /// Every assumption is made.
    #[must_use]
    pub const fn new() -> Self {
        Self { not_assumed: Vec::new(), known: Vec::new(), entries: Vec::new() }
    }

    /// Whether this assumption is made.
    #[must_use]
    pub fn assumes(&self, assumption: &Assumption) -> bool {
        !self.not_assumed.iter().any(|name| name == assumption.name)
    }

    /// What the nodes of a program mean, each by its place; `None` for nearly all.
    #[must_use]
    pub fn meanings(&self, program: &Program) -> Vec<Option<Meaning>> {
        let mut meanings = vec![None; program.graph.nodes()];
        for (node, function) in program.functions() {
            meanings[node as usize] =
                function.names.iter().find_map(|symbol| self.meaning_of_symbol(symbol));
        }
        let first = program.functions().count();
        for (at, meaning) in meanings.iter_mut().enumerate().skip(first) {
            let Ok(node) = Node::try_from(at) else { break };
            match program.kind(node) {
                Kind::Import(name, _) => *meaning = self.meaning_of_name(name, false),
                Kind::SystemCall(number) => {
                    *meaning = table::of_system_call(number).map(Meaning::Sink);
                }
                Kind::Function(_) => {}
                Kind::Data(_) => break,
            }
        }
        meanings
    }

    fn meaning_of_symbol(&self, symbol: &str) -> Option<Meaning> {
        // Only few symbols are worth writing out.
        if symbol.starts_with("_R") || symbol.starts_with("_ZN") {
            if !table::may_name(symbol) {
                return None;
            }
            let name = without_generics(&readable(symbol));
            return self.meaning_of_name(&name, true);
        }
        self.meaning_of_name(symbol.split('@').next().unwrap_or(symbol), false)
    }

    fn meaning_of_name(&self, name: &str, rust: bool) -> Option<Meaning> {
        let (sink, assumption) = table::of_name(name, rust)?;
        Some(match assumption {
            Some(assumption) if self.assumes(assumption) => Meaning::Assumed(assumption, sink),
            _ => Meaning::Sink(sink),
        })
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::new()
    }
}

/// Which groups of sinks an attribute forbids.
#[must_use]
pub fn groups(attributes: &[String]) -> Vec<Group> {
    let has = |name: &str| attributes.iter().any(|attribute| attribute == name);
    let mut groups = Vec::new();
    if has("must_cleanup") || has("no_exit") {
        groups.push(Group::Exit);
    }
    if has("scoped_spawn") {
        groups.push(Group::Detach);
    }
    groups
}

/// The sink that a name without generics means, if any, for an inlined function.
#[must_use]
pub fn public_sink(name: &str) -> Option<&'static Sink> {
    table::of_name(&without_generics(name), true)
        .filter(|(_, to)| to.is_none())
        .map(|(sink, _)| sink)
}
