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

mod judge;
mod paths;
mod search;

use std::collections::BTreeSet;
use std::rc::Rc;

pub use judge::Judge;

use crate::policy::Sink;
use crate::program::Mark;
use crate::source::Frame;

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
    /// The call on it that leaves the workspace, by the names that an entry of the policy has.
    pub edge: (String, String),
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
