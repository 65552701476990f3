//! How far a function reaches, and what it finds there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use backstop_rules::Group;

use super::{How, Judge};
use crate::graph::{Edge, EdgeKind, Node, Through};
use crate::names::without_generics;
use crate::policy::{self, Assumption, Meaning, Sink};

/// How far a search goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Direct,
    Taken,
    Closed,
}

pub(super) enum Judgement {
    Follow,
    Sink(&'static Sink),
    Assumed(&'static Assumption),
    /// Of a spawn that is assumed to be in order, what is spawned is still to be looked at.
    Spawned(&'static Assumption),
}

#[derive(Default)]
pub(super) struct Search {
    /// Whence each node was first reached.
    pub(super) parents: BTreeMap<Node, (Node, u64, How)>,
    pub(super) sinks: Vec<(Node, Edge, &'static Sink)>,
    pub(super) assumed: BTreeSet<&'static str>,
    pub(super) allowed: BTreeSet<String>,
    pub(super) edges_used: BTreeSet<usize>,
    pub(super) poisons_used: BTreeSet<usize>,
}

impl Judge<'_> {
    pub(super) fn search(
        &self,
        root: Node,
        groups: &[Group],
        allows: &[String],
        reach: Reach,
    ) -> Search {
        let mut search = Search::default();
        let mut queue = VecDeque::from([root]);
        let mut seen = vec![false; self.program.graph.nodes()];
        seen[root as usize] = true;
        let mut see = |node: Node| !std::mem::replace(&mut seen[node as usize], true);
        let mut opened: BTreeSet<Through> = BTreeSet::new();
        while let Some(from) = queue.pop_front() {
            for edge in self.program.graph.edges(from) {
                if edge.kind == EdgeKind::Takes && reach == Reach::Direct {
                    continue;
                }
                if let Some(at) = self.known_edges.get(&(from, edge.to)) {
                    search.edges_used.insert(*at);
                    continue;
                }
                // Whatever this search adds to the one before is by pointers of others.
                if reach == Reach::Closed && edge.kind == EdgeKind::Takes {
                    if let Some(at) = self.known_poisons.get(&edge.to) {
                        search.poisons_used.insert(*at);
                        continue;
                    }
                }
                let judgement = self.judgement(from, edge, groups);
                if let Judgement::Spawned(assumption) = judgement {
                    search.assumed.insert(assumption.name);
                }
                match judgement {
                    Judgement::Follow | Judgement::Spawned(_) => {
                        if see(edge.to) {
                            let how = match edge.kind {
                                EdgeKind::Calls => How::Calls,
                                EdgeKind::Takes => How::Takes,
                            };
                            search.parents.insert(edge.to, (from, edge.site, how));
                            queue.push_back(edge.to);
                        }
                    }
                    Judgement::Sink(sink) if allows.iter().any(|rule| rule == sink.rule) => {
                        search.allowed.insert(sink.rule.to_owned());
                    }
                    Judgement::Sink(sink) => search.sinks.push((from, *edge, sink)),
                    Judgement::Assumed(assumption) => {
                        search.assumed.insert(assumption.name);
                    }
                }
            }
            if reach < Reach::Closed {
                continue;
            }
            for indirect in self.program.graph.indirects(from) {
                if !opened.insert(indirect.through) {
                    continue;
                }
                for to in self.program.graph.candidates(indirect.through) {
                    if let Some(at) = self.known_poisons.get(&to) {
                        search.poisons_used.insert(*at);
                        continue;
                    }
                    let edge = Edge { to, kind: EdgeKind::Calls, site: indirect.site };
                    let judgement = match self.meaning(to, groups) {
                        // A pointer to it can be called, whoever does.
                        Some(Meaning::Sink(sink)) => self.held(to, sink),
                        Some(Meaning::Assumed(assumption, _)) => Judgement::Assumed(assumption),
                        None => Judgement::Follow,
                    };
                    match judgement {
                        Judgement::Sink(sink) => {
                            if allows.iter().all(|rule| rule != sink.rule) {
                                search.sinks.push((from, edge, sink));
                            }
                            continue;
                        }
                        Judgement::Assumed(assumption) => {
                            search.assumed.insert(assumption.name);
                            continue;
                        }
                        Judgement::Spawned(assumption) => {
                            search.assumed.insert(assumption.name);
                        }
                        Judgement::Follow => {}
                    }
                    if see(to) {
                        search.parents.insert(to, (from, indirect.site, How::Pointer));
                        queue.push_back(to);
                    }
                }
            }
        }
        search
    }

    pub(super) fn meaning(&self, node: Node, groups: &[Group]) -> Option<Meaning> {
        self.meanings[node as usize].filter(|meaning| match meaning {
            Meaning::Sink(sink) | Meaning::Assumed(_, sink) => groups.contains(&sink.group),
        })
    }

    pub(super) fn judgement(&self, from: Node, edge: &Edge, groups: &[Group]) -> Judgement {
        match self.meaning(edge.to, groups) {
            None if groups.contains(&Group::Detach) => self.inlined_spawn(from, edge),
            None => Judgement::Follow,
            Some(Meaning::Assumed(assumption, _)) => Judgement::Assumed(assumption),
            // An assumption that is turned off: whoever gets there is asked about.
            Some(Meaning::Sink(sink)) if sink.assumed.is_some() => Judgement::Sink(sink),
            Some(Meaning::Sink(sink)) => self.who_calls(from, edge, sink),
        }
    }

    /// A call of a sink: the standard library's own, where the function that makes it is one that
    /// does so of its own accord. The sink may be inlined there, with what it has below it.
    pub(super) fn who_calls(&self, from: Node, edge: &Edge, sink: &'static Sink) -> Judgement {
        let names = self.frame_names(from, edge.site);
        // The last is the function itself, which the graph knows by name.
        let inlined = names.get(..names.len().saturating_sub(1)).unwrap_or_default();
        let public =
            |name: &String| policy::public_sink(name).filter(|public| public.group == sink.group);
        let outermost = inlined.iter().rposition(|name| public(name).is_some());
        let sink = outermost.and_then(|at| public(&inlined[at])).unwrap_or(sink);
        // Only after a spawn that is assumed: of its own steps none is another.
        if sink.group == Group::Detach && names.last().and_then(public).is_some() {
            return Judgement::Follow;
        }
        let callers = &names[outermost.map_or(0, |at| at + 1)..];
        let mut callers = callers.iter().map(|name| without_generics(name)).take(2);
        let (caller, next) = (callers.next().unwrap_or_default(), callers.next());
        if let Some(assumption) =
            policy::of_spawner(&caller).filter(|_| sink.group == Group::Detach)
        {
            return if self.policy.assumes(assumption) {
                Judgement::Spawned(assumption)
            } else {
                Judgement::Sink(sink)
            };
        }
        let counts = next.is_some_and(|next| policy::counts_references(&next));
        let assumption = match () {
            () if counts || policy::counts_references(&caller) => &policy::REFCOUNT,
            () if policy::is_numbered(sink, &caller) => &policy::RUSTIX,
            () if policy::is_of_child(&caller) => &policy::COMMAND_CHILD,
            () if policy::is_own(&caller) => &policy::STANDARD,
            () => match policy::of_ender(&caller) {
                Some(assumption) if !(self.panic_aborts && policy::unwinds(&caller)) => assumption,
                _ => return Judgement::Sink(sink),
            },
        };
        if self.policy.assumes(assumption) {
            Judgement::Assumed(assumption)
        } else {
            Judgement::Sink(sink)
        }
    }

    /// A spawn that was inlined is a call of something inside of it.
    fn inlined_spawn(&self, from: Node, edge: &Edge) -> Judgement {
        if edge.kind == EdgeKind::Takes || edge.site == 0 {
            return Judgement::Follow;
        }
        let names = self.frame_names(from, edge.site);
        // The last is the function itself, which the graph knows by name.
        let inlined = names.iter().take(names.len().saturating_sub(1));
        let spawn = inlined.filter_map(|name| policy::public_sink(name));
        match spawn.into_iter().find(|sink| sink.group == Group::Detach) {
            Some(sink) => self.who_calls(from, edge, sink),
            None => Judgement::Follow,
        }
    }

    /// What it means that a pointer holds a sink: nothing, where only the standard library ever
    /// made such a pointer, and for itself.
    fn held(&self, node: Node, sink: &'static Sink) -> Judgement {
        let takers = self.takers.get(&node).map(Vec::as_slice).unwrap_or_default();
        let mut held = None;
        for (from, edge) in takers {
            match (self.who_calls(*from, edge, sink), &held) {
                (judged @ Judgement::Sink(_), _) => return judged,
                // What one of them spawns is looked at.
                (_, Some(Judgement::Spawned(_))) => {}
                (judged, _) => held = Some(judged),
            }
        }
        held.unwrap_or(Judgement::Sink(sink))
    }
}
