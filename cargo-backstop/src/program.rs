//! A linked program as a call graph: functions, what they take from shared libraries, pieces of
//! data, and the functions that are marked.

mod assembly;
mod decode;
mod functions;
mod image;
mod landing;
mod marks;
mod methods;

use std::collections::BTreeSet;

use assembly::Assembly;
use functions::{covering, decode_all, functions, unnamed};
use image::Image;

use crate::graph::{Graph, Node};
pub use marks::{Mark, Objects, Unreadable, marks_of_objects};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a program nor anything else that is known.
    #[error("this is no program")]
    NoProgram,
    /// Something that a later version may read.
    #[error("{0} is not supported yet: only ELF programs for x86-64 are")]
    Unsupported(&'static str),
    /// The symbols are gone.
    #[error("the program is stripped: without symbols its functions have no names")]
    Stripped,
    /// It was linked without `--emit-relocs`.
    #[error("the program was linked without `--emit-relocs`, so what its code refers to is lost")]
    NoRelocations,
    /// The mark of an annotated function is not one that is known: without it, nothing would be said of the function.
    #[error("the mark `{0}` of an annotated function is not one of this version's, or damaged")]
    Mark(String),
    /// The file contradicts itself.
    #[error("the file is damaged: {0}")]
    Malformed(&'static str),
    /// The file contradicts itself, in the words of the reader.
    #[error("the file is damaged: {0}")]
    Damaged(#[from] object::read::Error),
}

/// Each round finds what the functions of the round before call; stubs call stubs, not for ever.
const MOST_ROUNDS: usize = 16;

/// The names of a function, as the linker knows them, the first one for show.
///
/// There are many functions, and nearly all have one name: they are kept as one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Box<str>);

impl Names {
    /// Ends each of them: no symbol holds it.
    const END: char = '\0';

    fn new(names: impl Iterator<Item = String>) -> Self {
        let mut all = String::new();
        for name in names {
            all.reserve_exact(name.len() + 1);
            all.push_str(&name);
            all.push(Self::END);
        }
        Self(all.into())
    }

    /// Whether it has none: code without a symbol.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(Self::END)
    }
}

/// A function of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The address of its first instruction.
    pub start: u64,
    /// The address behind its last one.
    pub end: u64,
    /// What it is called; code without a symbol has no name.
    pub names: Names,
}

/// What a node of the graph is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'program> {
    /// A function of the program.
    Function(&'program Function),
    /// A function of a shared library: its name, and the version that the library gives it.
    Import(&'program str, Option<&'program str>),
    /// A system call, by its number.
    SystemCall(Option<u32>),
    /// A piece of data, by its address.
    Data(u64),
}

/// A linked program, read.
#[derive(Debug)]
pub struct Program {
    functions: Vec<Function>,
    imports: Vec<image::Import>,
    system_calls: Vec<Option<u32>>,
    data: Vec<u64>,
    /// Who refers to whom.
    pub graph: Graph,
    /// The marks in the program.
    pub marks: Vec<Mark>,
    /// The functions that refer to a mark, with the place of the mark in [`marks`](Self::marks).
    pub marked: Vec<(Node, usize)>,
    /// The versions of rustc that compiled it, the standard library among it: `1.95.0`.
    pub compilers: BTreeSet<String>,
}

impl Program {
    /// Reads a linked program: the bytes of the file.
    ///
    /// # Errors
    ///
    /// Where the file is of another format, is stripped or damaged, or was linked without
    /// relocations.
    pub fn read(file: &[u8]) -> Result<Self, Error> {
        let mut image = Image::read(file)?;
        let mut functions = functions(&image);
        image.forget_functions();
        let mut decoded = decode_all(&image, &functions);
        // Code without a symbol is found when something calls it.
        for _ in 0..MOST_ROUNDS {
            let found = unnamed(&image, &functions, &decoded);
            if found.is_empty() {
                break;
            }
            let more = decode_all(&image, &found);
            let mut both: Vec<_> =
                functions.into_iter().zip(decoded).chain(found.into_iter().zip(more)).collect();
            both.sort_by_key(|(function, _)| function.start);
            (functions, decoded) = both.into_iter().unzip();
        }
        Assembly::new(&image, functions, decoded)?.program()
    }

    /// What a node is.
    #[must_use]
    pub fn kind(&self, node: Node) -> Kind<'_> {
        let mut at = node as usize;
        if let Some(function) = self.functions.get(at) {
            return Kind::Function(function);
        }
        at -= self.functions.len();
        if let Some(import) = self.imports.get(at) {
            return Kind::Import(&import.name, import.version.as_deref());
        }
        at -= self.imports.len();
        if let Some(number) = self.system_calls.get(at) {
            return Kind::SystemCall(*number);
        }
        Kind::Data(self.data.get(at - self.system_calls.len()).copied().unwrap_or_default())
    }

    /// All functions, by their nodes.
    pub fn functions(&self) -> impl Iterator<Item = (Node, &Function)> {
        (0..).zip(&self.functions)
    }

    /// All functions of shared libraries that the program refers to, by their nodes.
    pub fn imports(&self) -> impl Iterator<Item = (Node, &str)> {
        let first = u32::try_from(self.functions.len()).unwrap_or(u32::MAX);
        (first..).zip(self.imports.iter().map(|import| import.name.as_str()))
    }

    /// Whether a panic aborts the program: it can panic, and was linked without the part of the standard library that
    /// unwinds. (The part that aborts leaves no name of its own: its functions are called as those of the other.)
    #[must_use]
    pub fn panic_aborts(&self) -> bool {
        let mut panics = false;
        for name in self.functions.iter().flat_map(|function| function.names.iter()) {
            if name.contains("12panic_unwind") {
                return false;
            }
            panics = panics || name.ends_with("10rust_panic") || name == "rust_panic";
        }
        panics
    }

    /// The node of the function that an address lies in.
    #[must_use]
    pub fn function_at(&self, address: u64) -> Option<Node> {
        covering(&self.functions, address).and_then(|at| u32::try_from(at).ok())
    }
}
