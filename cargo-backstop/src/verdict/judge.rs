//! A program with all that is needed to judge its functions, and the verdicts on them.

use std::collections::{BTreeMap, BTreeSet};

use backstop_rules::Group;

use super::search::{Judgement, Reach, Search};
use super::{Finding, Known, Path, SinkCall, Verdict};
use crate::graph::{Edge, EdgeKind, Node};
use crate::names::{crate_of, is_standard, readable, without_generics};
use crate::policy::{self, Meaning, Policy};
use crate::program::{Kind, Mark, Program};
use crate::source::Source;

/// A program with all that is needed to judge its functions.
pub struct Judge<'program> {
    pub(super) program: &'program Program,
    pub(super) policy: &'program Policy,
    pub(super) source: &'program Source<'program>,
    pub(super) meanings: Vec<Option<Meaning>>,
    /// Whether a panic aborts the program.
    pub(super) panic_aborts: bool,
    /// The names of the crates of the workspace.
    pub(super) ours: &'program BTreeSet<String>,
    /// Nodes by the entries of the policy that name them as poison.
    pub(super) known_poisons: BTreeMap<Node, usize>,
    pub(super) known_edges: BTreeMap<(Node, Node), usize>,
    /// Who takes the address of each sink.
    pub(super) takers: BTreeMap<Node, Vec<(Node, Edge)>>,
    /// Whether each entry of the policy was of use.
    pub(super) used: std::cell::RefCell<BTreeSet<usize>>,
}

impl<'program> Judge<'program> {
    /// Of a program, under a policy.
    #[must_use]
    pub fn new(
        program: &'program Program,
        policy: &'program Policy,
        source: &'program Source<'program>,
        ours: &'program BTreeSet<String>,
    ) -> Self {
        let mut judge = Self {
            program,
            policy,
            source,
            meanings: policy.meanings(program),
            panic_aborts: program.panic_aborts(),
            ours,
            known_poisons: BTreeMap::new(),
            known_edges: BTreeMap::new(),
            takers: BTreeMap::new(),
            used: std::cell::RefCell::default(),
        };
        judge.find_known();
        judge.find_takers();
        judge
    }

    fn find_takers(&mut self) {
        for from in (0..).take(self.program.graph.nodes()) {
            for edge in self.program.graph.edges(from) {
                if edge.kind == EdgeKind::Takes && self.meanings[edge.to as usize].is_some() {
                    self.takers.entry(edge.to).or_default().push((from, *edge));
                }
            }
        }
    }
    fn find_known(&mut self) {
        if self.policy.known.is_empty() {
            return;
        }
        let mut by_name: BTreeMap<String, Vec<Node>> = BTreeMap::new();
        for node in (0..).take(self.program.graph.nodes()) {
            if matches!(self.program.kind(node), Kind::Data(_)) {
                break;
            }
            let name = self.name(node);
            by_name.entry(without_generics(&name)).or_default().push(node);
            by_name.entry(name).or_default().push(node);
        }
        let nodes = |name: &String| by_name.get(name).cloned().unwrap_or_default();
        for (at, known) in self.policy.known.iter().enumerate() {
            match known {
                Known::Poison(name) => {
                    self.known_poisons.extend(nodes(name).into_iter().map(|node| (node, at)));
                }
                Known::Edge(from, to) => {
                    let (from, to) = (nodes(from), nodes(to));
                    let pairs = from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to)));
                    self.known_edges.extend(pairs.map(|pair| (pair, at)));
                }
            }
        }
    }

    /// The places of the entries of the policy that made a difference so far.
    #[must_use]
    pub fn used(&self) -> BTreeSet<usize> {
        self.used.borrow().clone()
    }

    /// The name of a node, for people.
    #[must_use]
    pub fn name(&self, node: Node) -> String {
        match self.program.kind(node) {
            Kind::Function(function) => {
                let rust = function.names.iter().find(|name| name.starts_with("_R"));
                match rust.or(function.names.iter().next()) {
                    Some(symbol) => readable(symbol),
                    None => {
                        self.stub(node).unwrap_or_else(|| format!("code at {:#x}", function.start))
                    }
                }
            }
            Kind::Import(name, _) => name.to_owned(),
            Kind::SystemCall(Some(number)) => format!("system call {number}"),
            Kind::SystemCall(None) => "a system call of unknown number".to_owned(),
            Kind::Data(address) => format!("data at {address:#x}"),
        }
    }

    /// Every call of a sink in the program that is not the standard library's own.
    #[must_use]
    pub fn calls_of_sinks(&self) -> Vec<SinkCall> {
        let groups = [Group::Exit, Group::Detach];
        let mut calls = Vec::new();
        for (from, _) in self.program.functions() {
            // What a sink does is not told again.
            if matches!(self.meaning(from, &groups), Some(Meaning::Sink(_))) {
                continue;
            }
            for edge in self.program.graph.edges(from) {
                let Some(Meaning::Sink(sink)) = self.meaning(edge.to, &groups) else { continue };
                let Judgement::Sink(sink) = self.who_calls(from, edge, sink) else { continue };
                let frames = self.source.frames(edge.site);
                let names = self.frame_names(from, edge.site);
                // Of a sink that was inlined, the caller is whoever is around it.
                let own = names.iter().find(|name| !is_standard(name));
                let caller = own.or(names.last()).cloned().unwrap_or_default();
                let krate = crate_of(&caller).map(str::to_owned);
                let (sink_name, _) = self.sink_name(from, edge, sink);
                calls.push(SinkCall { caller, krate, sink, sink_name, frames });
            }
        }
        calls
    }

    /// The name of code that does nothing but call something from a shared library.
    fn stub(&self, node: Node) -> Option<String> {
        let mut calls =
            self.program.graph.edges(node).iter().filter(|edge| edge.kind == EdgeKind::Calls);
        match (calls.next().map(|edge| self.program.kind(edge.to)), calls.next()) {
            (Some(Kind::Import(name, _)), None) => Some(format!("{name}@plt")),
            _ => None,
        }
    }

    /// The verdict on every function that is marked in the program.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut instances: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
        for (node, mark) in &self.program.marked {
            instances.entry(*mark).or_default().push(*node);
        }
        let mut findings: Vec<Finding> = instances
            .into_iter()
            .map(|(mark, nodes)| self.finding(&self.program.marks[mark], &nodes))
            .collect();
        findings.sort_by(|a, b| a.mark.cmp(&b.mark));
        findings
    }

    fn finding(&self, mark: &Mark, nodes: &[Node]) -> Finding {
        let mut finding = Finding {
            mark: mark.clone(),
            verdict: Verdict::Proven,
            instances: nodes.len(),
            paths: Vec::new(),
            poisons: Vec::new(),
            assumed: BTreeSet::new(),
            allowed: BTreeSet::new(),
        };
        let groups = policy::groups(&mark.attributes);
        for node in nodes {
            self.judge(*node, &groups, &mut finding);
        }
        finding
    }

    fn judge(&self, root: Node, groups: &[Group], finding: &mut Finding) {
        let allows = &finding.mark.allows.clone();
        let mut verdict = Verdict::Proven;
        let mut paths = Vec::new();
        let mut poisons = BTreeSet::new();
        let mut search = Search::default();
        for (reach, worst) in [
            (Reach::Direct, Verdict::Violated),
            (Reach::Taken, Verdict::May),
            (Reach::Closed, Verdict::Conditional),
        ] {
            search = self.search(root, groups, allows, reach);
            if search.sinks.is_empty() {
                continue;
            }
            verdict = worst;
            paths = self.paths(root, &search);
            if reach == Reach::Closed {
                poisons = self.poisons(root, groups, allows, &search);
            }
            break;
        }
        self.used.borrow_mut().extend(search.edges_used.iter().chain(&search.poisons_used));
        finding.assumed.append(&mut search.assumed);
        finding.allowed.append(&mut search.allowed);
        if verdict > finding.verdict {
            finding.verdict = verdict;
            finding.paths.clear();
            finding.poisons.clear();
        }
        if verdict == finding.verdict {
            for path in paths {
                let same = |known: &Path| {
                    known.sink_name == path.sink_name
                        && self.first_out(known) == self.first_out(&path)
                };
                if !finding.paths.iter().any(same) {
                    finding.paths.push(path);
                }
            }
            poisons.extend(finding.poisons.drain(..));
            finding.poisons = poisons.into_iter().collect();
            if finding.verdict == Verdict::Conditional {
                // An example is enough: the poisons say the rest.
                finding.paths.truncate(1);
            }
        }
    }
}
