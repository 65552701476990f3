//! The catalogue: one row a rule, a file a group. To add a rule, add a row and two ui-tests.

mod detach;
mod drop_panic;
mod exit;
mod forget;
mod hang;

use std::fmt;

/// What a rule's pattern does to the destructors that it skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Group {
    /// Ends the process or the thread without unwinding.
    Exit,
    /// Gives up a value without running its destructor.
    Forget,
    /// Starts work that outlives the function.
    Detach,
    /// Never returns.
    Hang,
    /// Panics on purpose inside a destructor.
    DropPanic,
}

impl Group {
    /// The group's name, as it is spelled in attributes and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Forget => "forget",
            Self::Detach => "detach",
            Self::Hang => "hang",
            Self::DropPanic => "drop_panic",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One pattern that skips destructors.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The name that `allow(..)` takes, in `snake_case`.
    pub name: &'static str,
    /// Which attributes look for it.
    pub group: Group,
    /// Found only on request, because most of its findings are harmless.
    pub pedantic: bool,
    /// Functions, by canonical path (`core` and `alloc` are spelled `std`), called or as values.
    pub paths: &'static [&'static str],
    /// Functions that are found only where their arguments show the defect.
    pub calls: &'static [Call],
    /// Method calls.
    pub methods: &'static [Method],
    /// Macros, by name.
    pub macros: &'static [&'static str],
    /// Functions that undo what the rule's functions do: `("into_raw", "from_raw")` says that
    /// `into_raw` is no finding where the same body calls `from_raw`.
    pub pairs: &'static [(&'static str, &'static str)],
    /// What is wrong, to be read after the offending code: "ends the process ..".
    pub reason: &'static str,
    /// What to do instead, in one line.
    pub remedy: &'static str,
    /// Statements that the rule finds.
    pub example: &'static str,
    /// Statements that do the same without skipping destructors.
    pub instead: &'static str,
}

/// A function that breaks a rule only with certain arguments.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// The canonical path.
    pub path: &'static str,
    /// What the call has to show.
    pub shows: Shows,
}

/// What the source of a call has to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shows {
    /// The first argument is this very process: `0`, `getpid()`, `Pid::this()`, ...
    OwnProcess,
    /// An argument is `Duration::MAX`.
    EndlessDuration,
    /// The turbofish contains `'static`.
    StaticLifetime,
}

/// A method call that breaks a rule.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The method's name.
    pub name: &'static str,
    /// How many arguments the call has; `None`: any number.
    pub arguments: Option<usize>,
    /// What the receiver has to be.
    pub receiver: Receiver,
}

/// What the receiver of a method call has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Receiver {
    /// Anything: the name says enough.
    Any,
    /// Visibly a value of that kind: by the call chain, a `let` or a parameter's type.
    Is(Kind),
    /// As `Is`, or anything where that trait is visibly imported.
    IsOrImports(Kind, &'static str),
    /// Visibly a value of that kind, and the method's result is thrown away.
    Dropped(Kind),
    /// The literal `true` is the one argument.
    TrueArgument,
}

/// Types whose values are told apart by how they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// `Command` of std, tokio and async-process.
    Command,
    /// `std::thread::Builder`.
    ThreadBuilder,
    /// Runtimes, executors and pools whose `spawn` detaches.
    Executor,
    /// `JoinSet` of tokio: one that is dropped at once, or at the end of its block, and never
    /// joined.
    TaskSet,
    /// `clap::Error`.
    ClapError,
    /// `tempfile`'s guards.
    TempFile,
}

/// How values of each [`Kind`] are made, and the names of their types.
pub(crate) static KINDS: &[(Kind, &[&str], &[&str])] = &[
    (
        Kind::Command,
        &[
            "std::process::Command::new",
            "tokio::process::Command::new",
            "tokio::process::Command::from",
            "async_process::Command::new",
            "smol::process::Command::new",
        ],
        &["Command"],
    ),
    (Kind::ThreadBuilder, &["std::thread::Builder::new"], &[]),
    (
        Kind::Executor,
        &[
            "tokio::runtime::Handle::current",
            "tokio::runtime::Runtime::new",
            "tokio::runtime::Builder::new_multi_thread",
            "tokio::runtime::Builder::new_current_thread",
            "tokio::task::Builder::new",
            "rayon::ThreadPoolBuilder::new",
        ],
        &["Runtime", "ThreadPool"],
    ),
    (Kind::TaskSet, &["tokio::task::JoinSet::new", "tokio::task::JoinSet::default"], &[]),
    (
        Kind::ClapError,
        &[
            "clap::Error::new",
            "clap::Error::raw",
            "clap::error::Error::new",
            "clap::error::Error::raw",
        ],
        &[],
    ),
    (
        Kind::TempFile,
        &[
            "tempfile::tempdir",
            "tempfile::tempdir_in",
            "tempfile::TempDir::new",
            "tempfile::TempDir::new_in",
            "tempfile::TempDir::with_prefix",
            "tempfile::NamedTempFile::new",
            "tempfile::NamedTempFile::new_in",
        ],
        &["TempDir", "NamedTempFile", "TempPath"],
    ),
];

/// A row to start from: rows name only what they have.
pub(crate) const ROW: Rule = Rule {
    name: "",
    group: Group::Exit,
    pedantic: false,
    paths: &[],
    calls: &[],
    methods: &[],
    macros: &[],
    pairs: &[],
    reason: "",
    remedy: "",
    example: "",
    instead: "",
};

/// A method without arguments, on whatever receiver.
const fn bare(name: &'static str) -> Method {
    Method { name, arguments: Some(0), receiver: Receiver::Any }
}

const GROUPS: [&[Rule]; 5] = [exit::ROWS, forget::ROWS, detach::ROWS, hang::ROWS, drop_panic::ROWS];

const COUNT: usize = {
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

static ALL: [Rule; COUNT] = {
    let mut all = [ROW; COUNT];
    let mut at = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            all[at] = GROUPS[group][row];
            at += 1;
            row += 1;
        }
        group += 1;
    }
    all
};

/// Every rule, in the order of the documents.
pub static RULES: &[Rule] = &ALL;

/// Names that `allow(..)` takes although they are warnings and no rules: nothing is searched for
/// them here.
pub const WARNINGS: &[&str] = &["panic_abort"];

/// The rule of that name.
#[must_use]
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// The names that somebody who wrote `name` may have meant, the nearest first.
#[must_use]
pub fn similar(name: &str) -> Vec<&'static str> {
    const NEAR: f64 = 0.75;
    let mut near: Vec<(f64, &'static str)> = RULES
        .iter()
        .map(|rule| rule.name)
        .chain(WARNINGS.iter().copied())
        .filter_map(|known| {
            let distance = strsim::jaro_winkler(name, known);
            // `exit` and `forget` are what one guesses first.
            let part = name.len() > 3 && known.split('_').any(|word| word == name);
            (distance >= NEAR || part).then_some((distance, known))
        })
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.truncate(4);
    near.into_iter().map(|(_, known)| known).collect()
}
