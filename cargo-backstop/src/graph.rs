//! The call graph of a program as a data structure of its own: nodes, edges by source, and the
//! calls through pointers with all that they may reach.
//!
//! Edges lie in one array, sorted by where they come from, so that a walk over the whole graph of
//! a large program is a walk over memory. Nothing here knows of files or of machine code.

use std::collections::BTreeMap;

/// A function, something from a shared library, or a piece of data.
pub type Node = u32;

/// What an edge says of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// It calls the target, jumps to it for good, or runs into it.
    Calls,
    /// It holds the target's address.
    Takes,
}

/// A call or a mention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What is called or mentioned.
    pub to: Node,
    /// Which of the two.
    pub kind: EdgeKind,
    /// The address of the instruction; 0 in data.
    pub site: u64,
}

/// What a call through a pointer may reach, apart from every function whose address lies about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Through {
    /// Any function whose address is taken.
    Pointer,
    /// The pointer was loaded at this distance from another one: of the functions that are in
    /// tables of methods only, those at that distance.
    Slot(u32),
}

/// A call through a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Indirect {
    /// How it finds its function.
    pub through: Through,
    /// The address of the instruction.
    pub site: u64,
}

/// Who calls whom.
#[derive(Debug, Default)]
pub struct Graph {
    starts: Vec<u32>,
    edges: Vec<Edge>,
    indirect_starts: Vec<u32>,
    indirects: Vec<Indirect>,
    /// Functions whose address is somewhere else than in a table of methods.
    pointers: Vec<Node>,
    /// Functions in tables of methods, by their distance from the table's start.
    slots: BTreeMap<u32, Vec<Node>>,
}

impl Graph {
    /// A graph of `nodes` nodes from what is known of each, in any order.
    #[must_use]
    pub fn new(
        nodes: usize,
        mut edges: Vec<(Node, Edge)>,
        mut indirects: Vec<(Node, Indirect)>,
        mut pointers: Vec<Node>,
        mut slots: BTreeMap<u32, Vec<Node>>,
    ) -> Self {
        edges.sort_unstable();
        // The first of several calls of the same function stands for all, but not where who calls
        // is told by the place: a call's inlined frames differ.
        edges.dedup();
        indirects.sort_by_key(|(from, indirect)| (*from, indirect.site));
        pointers.sort_unstable();
        pointers.dedup();
        for functions in slots.values_mut() {
            functions.sort_unstable();
            functions.dedup();
        }
        let starts_of_edges = starts(nodes, edges.iter().map(|(from, _)| *from));
        let mut edges: Vec<Edge> = edges.into_iter().map(|(_, edge)| edge).collect();
        // They lie where the larger ones lay.
        edges.shrink_to_fit();
        Self {
            starts: starts_of_edges,
            edges,
            indirect_starts: starts(nodes, indirects.iter().map(|(from, _)| *from)),
            indirects: indirects.into_iter().map(|(_, indirect)| indirect).collect(),
            pointers,
            slots,
        }
    }

    /// How many nodes there are.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// How many edges there are.
    #[must_use]
    pub fn edge_count(&self) -> usize {
        self.edges.len()
    }

    /// How many calls through pointers there are.
    #[must_use]
    pub fn indirect_count(&self) -> usize {
        self.indirects.len()
    }

    /// What a node calls and mentions, by target.
    #[must_use]
    pub fn edges(&self, from: Node) -> &[Edge] {
        &self.edges[range(&self.starts, from)]
    }

    /// The calls through pointers in a function.
    #[must_use]
    pub fn indirects(&self, from: Node) -> &[Indirect] {
        &self.indirects[range(&self.indirect_starts, from)]
    }

    /// What a call through a pointer may reach: nothing else than a function of the program whose
    /// address is taken.
    pub fn candidates(&self, through: Through) -> impl Iterator<Item = Node> + '_ {
        let all = matches!(through, Through::Pointer);
        let slots = self.slots.iter();
        let slots = slots.filter(move |(slot, _)| all || through == Through::Slot(**slot));
        self.pointers.iter().chain(slots.flat_map(|(_, functions)| functions)).copied()
    }
}

fn starts(nodes: usize, sources: impl Iterator<Item = Node>) -> Vec<u32> {
    let mut starts = vec![0; nodes + 1];
    for from in sources {
        starts[from as usize + 1] += 1;
    }
    for node in 0..nodes {
        starts[node + 1] += starts[node];
    }
    starts
}

fn range(starts: &[u32], node: Node) -> std::ops::Range<usize> {
    starts[node as usize] as usize..starts[node as usize + 1] as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(to: Node) -> Edge {
        Edge { to, kind: EdgeKind::Calls, site: 0 }
    }

    #[test]
    fn edges_are_found_by_their_source() {
        let edges = vec![(2, call(0)), (0, call(1)), (0, call(2)), (0, call(1))];
        let graph = Graph::new(3, edges, Vec::new(), Vec::new(), BTreeMap::new());
        assert_eq!(graph.edges(0), [call(1), call(2)]);
        assert_eq!(graph.edges(1), []);
        assert_eq!(graph.edges(2), [call(0)]);
    }

    #[test]
    fn a_slot_reaches_its_own_methods_and_every_loose_pointer() {
        let slots = BTreeMap::from([(24, vec![1]), (32, vec![2])]);
        let graph = Graph::new(4, Vec::new(), Vec::new(), vec![3], slots);
        let reached = |through| graph.candidates(through).collect::<Vec<_>>();
        assert_eq!(reached(Through::Slot(24)), [3, 1]);
        assert_eq!(reached(Through::Slot(40)), [3]);
        assert_eq!(reached(Through::Pointer), [3, 1, 2]);
    }
}
