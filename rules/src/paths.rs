//! Which path stands for which row: the table of the catalogue's paths, by their last segment.

use crate::catalogue::{KINDS, Kind, RULES, Rule, Shows};
use proc_macro2::Ident;
use std::collections::HashMap;
use std::sync::OnceLock;
use syn::{Path, QSelf, Type};

/// What is known of a path after its first name was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// Something that is declared in the item itself.
    Local,
    /// The whole path is known from the crate on.
    Full(Vec<String>),
    /// By a `use`. `by_module`: the `use` names the path's first segment, not the item itself.
    Imported { path: Vec<String>, by_module: bool },
    /// Nobody here says what the first segment is: only the last segments can be compared.
    Suffix(Vec<String>),
}

/// What a path of the catalogue means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// Breaks the rule.
    Rule(&'static Rule),
    /// Breaks the rule if its call shows that.
    Call(&'static Rule, Shows),
    /// Makes a value of that kind.
    Makes(Kind),
}

struct Row {
    segments: Vec<&'static str>,
    target: Target,
}

/// Type names that many crates have: two segments are too little to go by.
const COMMON: &[&str] = &["Error", "Builder"];

fn table() -> &'static HashMap<&'static str, Vec<Row>> {
    static TABLE: OnceLock<HashMap<&'static str, Vec<Row>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table: HashMap<&'static str, Vec<Row>> = HashMap::new();
        let mut add = |path: &'static str, target| {
            let segments: Vec<_> = path.split("::").collect();
            let last = segments[segments.len() - 1];
            table.entry(last).or_default().push(Row { segments, target });
        };
        for rule in RULES {
            for path in rule.paths {
                add(path, Target::Rule(rule));
            }
            for call in rule.calls {
                add(call.path, Target::Call(rule, call.shows));
            }
        }
        for (kind, makers, _) in KINDS {
            for maker in *makers {
                add(maker, Target::Makes(*kind));
            }
        }
        table
    })
}

/// Whether any row's path ends in that name: the quick way out for nearly every path.
pub(crate) fn ends_a_row(name: &str) -> bool {
    table().contains_key(name)
}

/// Whether exactly this path is in the catalogue.
pub(crate) fn is_known(path: &[String]) -> bool {
    targets(&Resolved::Full(canonical(path))).next().is_some()
}

/// What the rows say about a path.
pub(crate) fn targets(path: &Resolved) -> impl Iterator<Item = Target> + '_ {
    let segments = match path {
        Resolved::Local => &[][..],
        Resolved::Full(path) | Resolved::Imported { path, .. } | Resolved::Suffix(path) => path,
    };
    let rows = segments.last().and_then(|last| table().get(last.as_str()));
    rows.into_iter().flatten().filter(move |row| matches(row, path)).map(|row| row.target)
}

fn matches(row: &Row, path: &Resolved) -> bool {
    match path {
        Resolved::Local => false,
        Resolved::Full(path) => is_full(row, path),
        Resolved::Imported { path, by_module } => {
            // `use crate::process;` says that `process::exit` is not std's, but
            // `use crate::sys::process::exit;` looks like a re-export of it.
            let known_root = path.first().is_some_and(|root| is_std(root));
            is_full(row, path) || (!by_module && !known_root && is_suffix(row, path))
        }
        Resolved::Suffix(path) => is_suffix(row, path),
    }
}

/// The whole row, perhaps re-exported: `nix::libc::exit`, `__private::std::process::exit`.
fn is_full(row: &Row, path: &[String]) -> bool {
    path.len() >= row.segments.len()
        && row.segments.iter().rev().zip(path.iter().rev()).all(|(row, path)| row == path)
}

/// As many of the row's last segments as tell it from others.
fn is_suffix(row: &Row, path: &[String]) -> bool {
    let typed = row.segments.len() > 2 && COMMON.contains(&row.segments[row.segments.len() - 2]);
    let needed = if typed { 3 } else { 2 };
    path.len() >= needed
        && row.segments.iter().rev().zip(path.iter().rev()).take(needed).all(|(r, p)| r == p)
}

/// A name without `r#`.
pub(crate) fn name(ident: &Ident) -> String {
    let name = ident.to_string();
    match name.strip_prefix("r#") {
        Some(plain) => plain.to_owned(),
        None => name,
    }
}

/// The names of a path, without `r#` and generic arguments.
pub(crate) fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| name(&segment.ident)).collect()
}

/// The names of a path with a self type: `Box::leak` for `<Box<_>>::leak`, and the trait's path
/// for `<File as IntoRawFd>::into_raw_fd`.
pub(crate) fn qualified_segments(qself: &QSelf, path: &Path) -> Vec<String> {
    let mut names = match &*qself.ty {
        Type::Path(ty) if qself.position == 0 => segments(&ty.path),
        _ => Vec::new(),
    };
    names.extend(segments(path));
    names
}

/// The path with `core` and `alloc` spelled `std`.
pub(crate) fn canonical(path: &[String]) -> Vec<String> {
    let mut path = path.to_vec();
    if let Some(root) = path.first_mut() {
        // `alloc::handle_alloc_error` is a partial path, `alloc::alloc::..` the crate's.
        if root == "core" || root == "alloc" {
            "std".clone_into(root);
        }
    }
    path
}

/// Whether that crate is std or a part of it.
pub(crate) fn is_std(root: &str) -> bool {
    matches!(root, "std" | "core" | "alloc")
}

/// Whether the names are those of the path.
pub(crate) fn same(names: &[String], path: &str) -> bool {
    canonical(names).iter().map(String::as_str).eq(path.split("::"))
}
