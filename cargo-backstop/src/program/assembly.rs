//! Puts the graph together from what was decoded and what data holds.

use std::collections::{BTreeMap, BTreeSet};

use super::decode::{Decoded, Reference};
use super::functions::covering;
use super::image::{self, Image, SymbolKind, Word, index_of};
use super::{Error, Function, Program, marks, methods};
use crate::graph::{Edge, EdgeKind, Graph, Indirect, Node, Through};

/// The graph while it is put together.
pub(super) struct Assembly<'image, 'data> {
    image: &'image Image<'data>,
    functions: Vec<Function>,
    decoded: Vec<Decoded>,
    /// Where pieces of data begin.
    data: Vec<u64>,
    system_calls: Vec<Option<u32>>,
    edges: Vec<(Node, Edge)>,
    indirects: Vec<(Node, Indirect)>,
    pointers: Vec<Node>,
    slots: BTreeMap<u32, Vec<Node>>,
    /// Functions that choose others when the program is loaded.
    resolvers: BTreeSet<Node>,
    marks: marks::Marks,
    marked: Vec<(Node, usize)>,
}

impl<'image, 'data> Assembly<'image, 'data> {
    pub(super) fn new(
        image: &'image Image<'data>,
        functions: Vec<Function>,
        decoded: Vec<Decoded>,
    ) -> Result<Self, Error> {
        let data = pieces(image, &decoded);
        let system_calls = decoded
            .iter()
            .flat_map(|decoded| decoded.references.iter())
            .filter_map(|(_, reference)| match reference {
                Reference::SystemCall(number) => *number,
                // Of the C function `syscall`, the first argument is the number.
                Reference::Code(_, first) | Reference::Slot(_, first) => first.get(),
                _ => None,
            })
            .filter(|number| *number < 1024);
        let system_calls: BTreeSet<u32> = system_calls.collect();
        let system_calls: Vec<Option<u32>> =
            [None].into_iter().chain(system_calls.into_iter().map(Some)).collect();
        // Nearly all become an edge.
        let references = decoded.iter().map(|decoded| decoded.references.len()).sum();
        index_of(functions.len() + image.imports.len() + system_calls.len() + data.len())?;
        Ok(Self {
            image,
            functions,
            decoded,
            data,
            system_calls,
            edges: Vec::with_capacity(references),
            indirects: Vec::new(),
            pointers: Vec::new(),
            slots: BTreeMap::new(),
            resolvers: BTreeSet::new(),
            marks: marks::Marks::of_image(image)?,
            marked: Vec::new(),
        })
    }

    pub(super) fn program(mut self) -> Result<Program, Error> {
        for (_, word) in &self.image.words {
            if let Word::Resolved(resolver) = word {
                self.resolvers.extend(self.function(*resolver));
            }
        }
        for (at, decoded) in std::mem::take(&mut self.decoded).into_iter().enumerate() {
            let from = index_of(at)?;
            for (site, reference) in decoded.references {
                self.refer(from, site, reference);
            }
            self.indirects.extend(decoded.indirects.into_iter().map(|indirect| (from, indirect)));
        }
        self.read_data();
        self.marked.sort_unstable();
        self.marked.dedup();
        let first_data = self.first_data();
        let nodes = first_data as usize + self.data.len();
        Ok(Program {
            graph: Graph::new(nodes, self.edges, self.indirects, self.pointers, self.slots),
            functions: self.functions,
            imports: self.image.imports.clone(),
            system_calls: self.system_calls,
            data: self.data,
            marks: self.marks.marks,
            marked: self.marked,
            compilers: self.image.compilers.clone(),
        })
    }

    // The sum was checked to fit.
    #[allow(clippy::cast_possible_truncation)]
    fn first_data(&self) -> Node {
        (self.functions.len() + self.image.imports.len() + self.system_calls.len()) as Node
    }

    #[allow(clippy::cast_possible_truncation)]
    fn function(&self, address: u64) -> Option<Node> {
        covering(&self.functions, address).map(|at| at as Node)
    }

    #[allow(clippy::cast_possible_truncation)]
    fn import(&self, import: u32) -> Node {
        self.functions.len() as Node + import
    }

    #[allow(clippy::cast_possible_truncation)]
    fn system_call(&self, number: Option<u32>) -> Node {
        // A number that no table knows is as good as none.
        let at = self.system_calls.binary_search(&number).unwrap_or(0);
        (self.functions.len() + self.image.imports.len() + at) as Node
    }

    #[allow(clippy::cast_possible_truncation)]
    fn piece(&self, address: u64) -> Option<Node> {
        let section = self.image.section_at(address)?;
        if section.executable || section.tables {
            return None;
        }
        let after = self.data.partition_point(|start| *start <= address);
        let at = after.checked_sub(1)?;
        Some(self.first_data() + at as Node)
    }

    fn edge(&mut self, from: Node, to: Node, kind: EdgeKind, site: u64) {
        // A function that chooses others calls, in effect, all that it names.
        let kind = if self.resolvers.contains(&from) { EdgeKind::Calls } else { kind };
        self.edges.push((from, Edge { to, kind, site }));
    }

    fn refer(&mut self, from: Node, site: u64, reference: Reference) {
        match reference {
            Reference::Code(address, first) => {
                self.call(from, site, Word::Address(address), first.get());
            }
            Reference::Slot(place, first) => {
                if let Some(word) = self.image.constant(place) {
                    self.call(from, site, word, first.get());
                }
            }
            Reference::SystemCall(number) => {
                let to = self.system_call(number);
                self.edge(from, to, EdgeKind::Calls, site);
            }
            Reference::Address(address) => self.take(from, site, Word::Address(address), true),
            Reference::Memory(place) => {
                if let Some(piece) = self.piece(place) {
                    self.edge(from, piece, EdgeKind::Takes, site);
                }
                self.mark(from, place);
                if let Some(word) = self.image.word(place) {
                    self.take(from, site, word, true);
                }
            }
        }
    }

    fn call(&mut self, from: Node, site: u64, word: Word, first: Option<u32>) {
        match word {
            Word::Address(address) | Word::Resolved(address) => {
                // A call out of all known code goes nowhere that could be followed.
                match self.function(address) {
                    Some(to) if to == from => {}
                    Some(to) => self.edge(from, to, EdgeKind::Calls, site),
                    None => {
                        self.indirects.push((from, Indirect { through: Through::Pointer, site }));
                    }
                }
            }
            Word::Import(import) if self.image.imports[import as usize].name == "syscall" => {
                // A register that holds this or another function, called with an address first: the
                // other one. No kernel has such a number, but for those of the x32 interface.
                if first.is_some_and(|number| (1024..1 << 30).contains(&number)) {
                    return;
                }
                let to = self.system_call(first.filter(|number| *number < 1024));
                self.edge(from, to, EdgeKind::Calls, site);
            }
            Word::Import(import) => {
                if calls_back(&self.image.imports[import as usize]) {
                    self.indirects.push((from, Indirect { through: Through::Pointer, site }));
                }
                let to = self.import(import);
                self.edge(from, to, EdgeKind::Calls, site);
            }
        }
    }

    /// `from` knows what `word` holds. `loose`: by other means than a table of methods.
    fn take(&mut self, from: Node, site: u64, word: Word, loose: bool) {
        let to = match word {
            Word::Import(import) => Some(self.import(import)),
            Word::Address(address) | Word::Resolved(address) => {
                if self.image.is_code(address) {
                    // Into the middle of a function: its jump tables, or unwinding.
                    let start = |at: &Node| self.functions[*at as usize].start == address;
                    self.function(address).filter(start).filter(|to| *to != from || !loose)
                } else {
                    self.mark(from, address);
                    self.piece(address)
                }
            }
        };
        let Some(to) = to else { return };
        if loose
            && !self.only_starts(from, to)
            && (to as usize) < self.functions.len() + self.image.imports.len()
        {
            self.pointers.push(to);
        }
        self.edge(from, to, EdgeKind::Takes, site);
    }

    /// Whether this mention of a function is by what starts the program with it: the entry point,
    /// which hands `main` to the C library, or the C `main` that rustc writes, which hands the
    /// crate's own to the standard library. Each is called once, and by nobody else.
    fn only_starts(&self, from: Node, to: Node) -> bool {
        let Some(function) = self.functions.get(from as usize) else { return false };
        if function.start == self.image.entry {
            return true;
        }
        let is_main = |name: &str| {
            let readable = crate::names::readable(name);
            let krate = readable.strip_suffix("::main");
            name.starts_with("_R") && krate.is_some_and(|krate| !krate.contains(':'))
        };
        function.names.iter().any(|name| name == "main")
            && self.functions.get(to as usize).is_some_and(|to| to.names.iter().any(is_main))
    }

    fn mark(&mut self, from: Node, address: u64) {
        if let Some(mark) = self.marks.at(address) {
            if (from as usize) < self.functions.len() {
                self.marked.push((from, mark));
            }
        }
    }

    /// What the data of the program holds.
    fn read_data(&mut self) {
        let image = self.image;
        for at in 0..self.data.len() {
            let start = self.data[at];
            let Some(section) = image.section_at(start) else { continue };
            let end = self.data.get(at + 1).copied().unwrap_or(u64::MAX).min(section.end);
            let first = image.words.partition_point(|(place, _)| *place < start);
            let last = image.words.partition_point(|(place, _)| *place < end);
            let words = &image.words[first..last];
            let Some(from) = self.piece(start) else { continue };
            let methods = methods::is_table(image, start, end, words);
            for (place, word) in words {
                if let (true, Some(function)) = (methods, self.method(*word)) {
                    let slot = u32::try_from(place - start).unwrap_or(u32::MAX);
                    self.slots.entry(slot).or_default().push(function);
                }
                self.take(from, 0, *word, !methods);
            }
        }
        for address in &image.relative {
            if let Some(function) = self.function(*address) {
                if self.functions[function as usize].start == *address {
                    self.pointers.push(function);
                }
            }
        }
    }

    fn method(&self, word: Word) -> Option<Node> {
        match word {
            Word::Address(address) => self.function(address),
            Word::Import(import) => Some(self.import(import)),
            Word::Resolved(_) => None,
        }
    }
}

/// Whether a function of a shared library may call, before it returns, a function that the program
/// hands to it.
///
/// Of the C library and the unwinder it is known which do: their versions tell them from others.
fn calls_back(import: &image::Import) -> bool {
    const CALL_BACK: &[&str] = &[
        "bsearch",
        "call_once",
        "ftw",
        "ftw64",
        "glob",
        "glob64",
        "lfind",
        "lsearch",
        "nftw",
        "nftw64",
        "pthread_once",
        "qsort",
        "qsort_r",
        "scandir",
        "scandir64",
        "scandirat",
        "scandirat64",
        "swapcontext",
        "setcontext",
        "tdelete",
        "tdestroy",
        "tfind",
        "tsearch",
        "twalk",
        "twalk_r",
    ];
    let version = import.version.as_deref().unwrap_or_default();
    if version.starts_with("GLIBC_") || version.starts_with("GCC_") {
        CALL_BACK.contains(&import.name.as_str())
    } else {
        // Weak ones of the start code, which are absent.
        !import.name.starts_with("_ITM_") && import.name != "__gmon_start__"
    }
}

/// Where pieces of data begin: at symbols, and wherever something points.
///
/// The linker keeps no boundaries of the compiler's own constants, but each is used by its address.
fn pieces(image: &Image<'_>, decoded: &[Decoded]) -> Vec<u64> {
    let mut starts: Vec<u64> = Vec::new();
    let sections = image.sections.iter().filter(|section| !section.executable && !section.tables);
    starts.extend(sections.map(|section| section.start));
    let symbols = image.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Object);
    starts.extend(symbols.map(|symbol| symbol.start));
    for (_, word) in &image.words {
        if let Word::Address(address) = word {
            starts.push(*address);
        }
    }
    for (_, reference) in decoded.iter().flat_map(|decoded| decoded.references.iter()) {
        if let Reference::Address(address) = reference {
            starts.push(*address);
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts.retain(|start| {
        let section = image.section_at(*start);
        section.is_some_and(|section| !section.executable && !section.tables)
    });
    starts.shrink_to_fit();
    starts
}
