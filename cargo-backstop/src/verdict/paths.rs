//! The ways to what was found, for people.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use backstop_rules::Group;

use super::search::{Judgement, Search};
use super::{How, Judge, Path, Poison, Step};
use crate::graph::{Edge, EdgeKind, Node};
use crate::names::{crate_of, without_generics};
use crate::policy::{self, Sink};

impl Judge<'_> {
    /// The functions at a place, innermost first; the one that the linker knows is the last.
    pub(super) fn frame_names(&self, from: Node, site: u64) -> Vec<String> {
        let frames = self.source.frames(site);
        let mut names: Vec<String> =
            frames.iter().map(|frame| frame.function.clone().unwrap_or_default()).collect();
        names.pop();
        names.push(self.name(from));
        names
    }

    /// The functions that the closed search entered through a pointer and that reach a sink.
    pub(super) fn poisons(
        &self,
        root: Node,
        groups: &[Group],
        allows: &[String],
        search: &Search,
    ) -> BTreeSet<Poison> {
        let leads = self.leads(groups, allows, search);
        let entered = search.parents.iter().filter(|(_, (_, _, how))| *how == How::Pointer);
        let found = entered.filter_map(|(node, _)| Some((*node, leads.get(node)?)));
        let mut poisons: BTreeSet<Poison> = found
            .map(|(node, sink_name)| Poison {
                name: self.name(node),
                sink_name: sink_name.to_string(),
            })
            .collect();
        for (from, edge, _) in &search.sinks {
            // The pointer may hold the sink itself.
            if !self.program.graph.edges(*from).contains(edge) && *from != root {
                let name = self.name(edge.to);
                poisons.insert(Poison { name: name.clone(), sink_name: name });
            }
        }
        poisons
    }

    /// Of what a search has seen, the functions that reach a sink without a pointer of others, and
    /// the one that is nearest. From the sinks up, once for all of them.
    fn leads(
        &self,
        groups: &[Group],
        allows: &[String],
        search: &Search,
    ) -> BTreeMap<Node, Rc<str>> {
        let mut callers: BTreeMap<Node, Vec<Node>> = BTreeMap::new();
        let mut leads: BTreeMap<Node, Rc<str>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for from in search.parents.keys() {
            for edge in self.program.graph.edges(*from) {
                if self.known_edges.contains_key(&(*from, edge.to)) {
                    continue;
                }
                match self.judgement(*from, edge, groups) {
                    Judgement::Follow | Judgement::Spawned(_) => {
                        callers.entry(edge.to).or_default().push(*from);
                    }
                    Judgement::Sink(sink) if allows.iter().all(|rule| rule != sink.rule) => {
                        if !leads.contains_key(from) {
                            leads.insert(*from, self.sink_name(*from, edge, sink).0.into());
                            queue.push_back(*from);
                        }
                    }
                    Judgement::Sink(_) | Judgement::Assumed(_) => {}
                }
            }
        }
        while let Some(node) = queue.pop_front() {
            let Some(name) = leads.get(&node).cloned() else { continue };
            for caller in callers.get(&node).into_iter().flatten() {
                if !leads.contains_key(caller) {
                    leads.insert(*caller, Rc::clone(&name));
                    queue.push_back(*caller);
                }
            }
        }
        leads
    }

    pub(super) fn paths(&self, root: Node, search: &Search) -> Vec<Path> {
        let mut paths: Vec<Path> = Vec::new();
        for (from, edge, sink) in &search.sinks {
            let calls = self.program.graph.edges(*from).contains(edge);
            let how = match (calls, edge.kind) {
                (false, _) => How::Pointer,
                (true, EdgeKind::Calls) => How::Calls,
                (true, EdgeKind::Takes) => How::Takes,
            };
            let mut steps = vec![self.step(*from, edge.site, how, edge.to)];
            let mut at = *from;
            while at != root {
                let Some((parent, site, how)) = search.parents.get(&at) else { break };
                steps.push(self.step(*parent, *site, *how, at));
                at = *parent;
            }
            steps.reverse();
            let way_out = self.way_out(&steps);
            let (sink_name, inlined) = self.sink_name(*from, edge, sink);
            if let (Some(last), true) = (steps.last_mut(), inlined > 0) {
                // What happens inside of the sink is not the user's.
                last.frames = last.frames.get(inlined..).unwrap_or_default().into();
                last.to.clone_from(&sink_name);
            }
            let path = Path { sink, sink_name, steps, edge: way_out };
            let same = |known: &Path| {
                known.sink_name == path.sink_name && self.first_out(known) == self.first_out(&path)
            };
            // The search goes by distance, so that the first of several is the shortest.
            if !paths.iter().any(same) {
                paths.push(path);
            }
        }
        paths
    }

    /// The name of a sink. It may be inlined where it is called: then also how many of the frames
    /// there are its own.
    pub(super) fn sink_name(
        &self,
        from: Node,
        edge: &Edge,
        sink: &'static Sink,
    ) -> (String, usize) {
        let names = self.frame_names(from, edge.site);
        let inlined = names.get(..names.len().saturating_sub(1)).unwrap_or_default();
        let is_sink = |name: &String| policy::public_sink(name) == Some(sink);
        match inlined.iter().rposition(is_sink) {
            Some(at) => (without_generics(&inlined[at]), at + 1),
            None => (without_generics(&self.name(edge.to)), 0),
        }
    }

    fn step(&self, from: Node, site: u64, how: How, to: Node) -> Step {
        let frames = if site == 0 { Rc::from([]) } else { self.source.frames(site) };
        Step { from: self.name(from), how, to: self.name(to), frames }
    }

    /// The first function on the way that is not of the workspace.
    pub(super) fn first_out<'path>(&self, path: &'path Path) -> Option<&'path str> {
        path.steps.iter().map(|step| step.to.as_str()).find(|name| !self.is_ours(name))
    }

    /// The call that leaves the workspace: what is behind it, its authors cannot change.
    fn way_out(&self, steps: &[Step]) -> (String, String) {
        let out = steps.iter().find(|step| !self.is_ours(&step.to)).or(steps.last());
        out.map(|step| (step.from.clone(), step.to.clone())).unwrap_or_default()
    }

    fn is_ours(&self, name: &str) -> bool {
        crate_of(name).is_some_and(|krate| self.ours.contains(krate))
    }
}
