//! Decides for each marked function whether it can reach a sink.
//!
//! Three searches, each over more of the graph than the one before:
//!
//! 1. **direct**: what is called. A sink there is a violation.
//! 2. **taken**: also what the code and the data in reach mention by address: whoever gets such an
//!    address may call it. A sink there may be reached.
//! 3. **closed**: also, where something in reach calls through a pointer, every function of the
//!    program that the pointer can hold. A sink there is reached only through a function that
//!    somebody else put there: the **poison**. Pointers made by shared libraries are the one thing
//!    that this world does not include; the C library calls back what it is given, which is what
//!    the second search follows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use backstop_rules::Group;

use crate::graph::{Edge, EdgeKind, Node, Through};
use crate::names::{crate_of, is_standard, readable, without_generics};
use crate::policy::{self, Assumption, Meaning, Policy, Sink};
use crate::program::{Kind, Mark, Program};
use crate::source::{Frame, Source};

/// What is known of an annotated function, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It reaches no sink.
    Proven,
    /// It reaches no sink unless a pointer that somebody else made is one of the named functions.
    Conditional,
    /// It is not in the program, so nothing is known of it.
    NotLinked,
    /// A function whose address it takes reaches a sink.
    May,
    /// It reaches a sink by calls.
    Violated,
}

impl Verdict {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Conditional => "conditional",
            Self::NotLinked => "not linked",
            Self::May => "may",
            Self::Violated => "violated",
        }
    }
}

/// How one step of a path goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum How {
    /// By a call.
    Calls,
    /// By taking the address.
    Takes,
    /// By a call through a pointer that may hold it.
    Pointer,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The function that the step leaves.
    pub from: String,
    /// How.
    pub how: How,
    /// The function that it goes to.
    pub to: String,
    /// Where: the innermost inlined function first.
    pub frames: Rc<[Frame]>,
}

/// A way to a sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// What is reached.
    pub sink: &'static Sink,
    /// Its name in the program.
    pub sink_name: String,
    /// The shortest way there.
    pub steps: Vec<Step>,
}

/// A function that makes a verdict conditional.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Poison {
    /// The function.
    pub name: String,
    /// A sink that it reaches.
    pub sink_name: String,
}

/// What was found for one annotated function.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The function.
    pub mark: Mark,
    /// What is known of it.
    pub verdict: Verdict,
    /// How many copies of it are in the program.
    pub instances: usize,
    /// For `violated` and `may`: one way for each sink and first call out of the workspace. For
    /// `conditional`: one example.
    pub paths: Vec<Path>,
    /// For `conditional`: the functions elsewhere that reach a sink.
    pub poisons: Vec<Poison>,
    /// What is assumed not to happen, and is in reach.
    pub assumed: BTreeSet<&'static str>,
    /// The rules that its source allows, and that it breaks.
    pub allowed: BTreeSet<String>,
}

/// A call of a sink, whoever makes it.
#[derive(Clone, Debug)]
pub struct SinkCall {
    /// The function that calls it, inlined or not.
    pub caller: String,
    /// Its crate; none for other languages.
    pub krate: Option<String>,
    /// The sink.
    pub sink: &'static Sink,
    /// Its name in the program.
    pub sink_name: String,
    /// Where: the innermost inlined function first.
    pub frames: Rc<[Frame]>,
}

/// Something in the policy file that is known not to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Known {
    /// A function that no pointer holds when an annotated function calls through it.
    Poison(String),
    /// A call that is never made.
    Edge(String, String),
}

/// A program with all that is needed to judge its functions.
pub struct Judge<'program> {
    program: &'program Program,
    policy: &'program Policy,
    source: &'program Source<'program>,
    meanings: Vec<Option<Meaning>>,
    /// The names of the crates of the workspace.
    ours: &'program BTreeSet<String>,
    /// Nodes by the entries of the policy that name them as poison.
    known_poisons: BTreeMap<Node, usize>,
    known_edges: BTreeMap<(Node, Node), usize>,
    /// Who takes the address of each sink.
    takers: BTreeMap<Node, Vec<(Node, Edge)>>,
    /// Whether each entry of the policy was of use.
    used: std::cell::RefCell<BTreeSet<usize>>,
}

/// How far a search goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Direct,
    Taken,
    Closed,
}

enum Judgement {
    Follow,
    Sink(&'static Sink),
    Assumed(&'static Assumption),
}

#[derive(Default)]
struct Search {
    /// Whence each node was first reached.
    parents: BTreeMap<Node, (Node, u64, How)>,
    sinks: Vec<(Node, Edge, &'static Sink)>,
    assumed: BTreeSet<&'static str>,
    allowed: BTreeSet<String>,
    edges_used: BTreeSet<usize>,
    poisons_used: BTreeSet<usize>,
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

    /// What it means that a pointer holds a sink: nothing, where only the standard library ever
    /// made such a pointer, and for itself.
    fn held(&self, node: Node, sink: &'static Sink) -> Judgement {
        let takers = self.takers.get(&node).map(Vec::as_slice).unwrap_or_default();
        let mut judged = Judgement::Sink(sink);
        for (from, edge) in takers {
            judged = self.who_calls(*from, edge, sink);
            if matches!(judged, Judgement::Sink(_)) {
                break;
            }
        }
        judged
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
                match rust.or(function.names.first()) {
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

    fn search(&self, root: Node, groups: &[Group], allows: &[String], reach: Reach) -> Search {
        let mut search = Search::default();
        let mut queue = VecDeque::from([root]);
        let mut seen: BTreeSet<Node> = BTreeSet::from([root]);
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
                match self.judgement(from, edge, groups) {
                    Judgement::Follow => {
                        if seen.insert(edge.to) {
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
                    match self.meaning(to, groups) {
                        // A pointer to it can be called, whoever does.
                        Some(Meaning::Sink(sink)) => match self.held(to, sink) {
                            Judgement::Sink(sink)
                                if allows.iter().all(|rule| rule != sink.rule) =>
                            {
                                search.sinks.push((from, edge, sink));
                            }
                            Judgement::Assumed(assumption) => {
                                search.assumed.insert(assumption.name);
                            }
                            Judgement::Sink(_) | Judgement::Follow => {}
                        },
                        Some(Meaning::Assumed(assumption, _)) => {
                            search.assumed.insert(assumption.name);
                        }
                        None => {
                            if seen.insert(to) {
                                search.parents.insert(to, (from, indirect.site, How::Pointer));
                                queue.push_back(to);
                            }
                        }
                    }
                }
            }
        }
        search
    }

    fn meaning(&self, node: Node, groups: &[Group]) -> Option<Meaning> {
        self.meanings[node as usize].filter(|meaning| match meaning {
            Meaning::Sink(sink) | Meaning::Assumed(_, sink) => groups.contains(&sink.group),
        })
    }

    fn judgement(&self, from: Node, edge: &Edge, groups: &[Group]) -> Judgement {
        match self.meaning(edge.to, groups) {
            None if groups.contains(&Group::Detach) => self.inlined_spawn(from, edge),
            None => Judgement::Follow,
            Some(Meaning::Assumed(assumption, _)) => Judgement::Assumed(assumption),
            // An assumption that is turned off: whoever gets there is asked about.
            Some(Meaning::Sink(sink)) if sink.assumed.is_some() => Judgement::Sink(sink),
            Some(Meaning::Sink(sink)) => self.who_calls(from, edge, sink),
        }
    }

    /// A call of a sink: whoever told the standard library to make it is answerable for it, and if
    /// nobody did, the library is.
    fn who_calls(&self, from: Node, edge: &Edge, sink: &'static Sink) -> Judgement {
        let names = self.frame_names(from, edge.site);
        let standard = names.iter().take_while(|name| is_standard(name)).count();
        let told = names.get(..standard).unwrap_or_default();
        if let Some(public) = told.iter().find_map(|name| policy::public_sink(name)) {
            // Inlined, together with whatever the library has below it.
            let by = told.iter().position(|name| policy::public_sink(name).is_some());
            if by == standard.checked_sub(1) && standard < names.len() {
                return Judgement::Sink(public);
            }
        }
        let counts =
            names.iter().take(2).any(|name| policy::counts_references(&without_generics(name)));
        if counts && self.policy.assumes(&policy::REFCOUNT) {
            return Judgement::Assumed(&policy::REFCOUNT);
        }
        let numbered =
            names.first().is_some_and(|name| policy::is_numbered(sink, &without_generics(name)));
        if numbered && self.policy.assumes(&policy::RUSTIX) {
            return Judgement::Assumed(&policy::RUSTIX);
        }
        if standard == 0 {
            return Judgement::Sink(sink);
        }
        let child = told.iter().any(|name| {
            name.contains("std::process::Command>::spawn") || name.contains("sys::process::unix")
        });
        let assumption = if child { &policy::COMMAND_CHILD } else { &policy::STANDARD };
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
            Some(sink) => Judgement::Sink(sink),
            None => Judgement::Follow,
        }
    }

    /// The functions at a place, innermost first; the one that the linker knows is the last.
    fn frame_names(&self, from: Node, site: u64) -> Vec<String> {
        let frames = self.source.frames(site);
        let mut names: Vec<String> =
            frames.iter().map(|frame| frame.function.clone().unwrap_or_default()).collect();
        names.pop();
        names.push(self.name(from));
        names
    }

    /// The functions that the closed search entered through a pointer and that reach a sink.
    fn poisons(
        &self,
        root: Node,
        groups: &[Group],
        allows: &[String],
        search: &Search,
    ) -> BTreeSet<Poison> {
        let mut poisons = BTreeSet::new();
        let entered = search.parents.iter().filter(|(_, (_, _, how))| *how == How::Pointer);
        for (node, _) in entered {
            let mut reached = self.search(*node, groups, allows, Reach::Direct);
            if reached.sinks.is_empty() {
                reached = self.search(*node, groups, allows, Reach::Taken);
            }
            if let Some((from, edge, sink)) = reached.sinks.first() {
                let (sink_name, _) = self.sink_name(*from, edge, sink);
                poisons.insert(Poison { name: self.name(*node), sink_name });
            }
        }
        for (from, edge, _) in &search.sinks {
            // The pointer may hold the sink itself.
            if !self.program.graph.edges(*from).contains(edge) && *from != root {
                let name = self.name(edge.to);
                poisons.insert(Poison { name: name.clone(), sink_name: name });
            }
        }
        poisons
    }

    fn paths(&self, root: Node, search: &Search) -> Vec<Path> {
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
            let (sink_name, inlined) = self.sink_name(*from, edge, sink);
            if let (Some(last), true) = (steps.last_mut(), inlined > 0) {
                // What happens inside of the sink is not the user's.
                last.frames = last.frames.get(inlined..).unwrap_or_default().into();
                last.to.clone_from(&sink_name);
            }
            let path = Path { sink, sink_name, steps };
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
    fn sink_name(&self, from: Node, edge: &Edge, sink: &'static Sink) -> (String, usize) {
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
    fn first_out<'path>(&self, path: &'path Path) -> Option<&'path str> {
        let is_ours = |name: &str| crate_of(name).is_some_and(|krate| self.ours.contains(krate));
        path.steps.iter().map(|step| step.to.as_str()).find(|name| !is_ours(name))
    }
}
