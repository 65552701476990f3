//! Programs from the registry, by name and version, with `#[no_exit]` on every function that takes it: which of
//! them reach what skips destructors, beside what was found in their sources by hand.
//!
//! The sources come through cargo, and stay in its own folder and in that of these tests.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::LineColumn;
use support::{target, unpacked, verdicts, verify};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, ItemFn, ItemImpl, ItemMod, Signature, TraitItemFn, Visibility};

/// A program, and what its sources say.
struct Real {
    package: &'static str,
    version: &'static str,
    /// What to build.
    options: &'static [&'static str],
    /// Functions that the attribute itself refuses: they stand before a call that never returns.
    refused: &'static [&'static str],
    /// Functions that reach sinks, with the sinks and the reason that stands in the sources.
    reaching: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// So many of the others are proven in each profile, or more.
    proven: usize,
}

const EXIT: &[&str] = &["std::process::exit"];
const ABORT: &[&str] = &["std::process::abort"];
const OF_RUN: &[&str] = &["<clap_builder::error::Error>::exit", "std::process::abort"];
const OF_SCAN: &[&str] = &["std::process::exit", "std::process::abort", "raise"];
const CLAP: &[&str] = &["<clap_builder::error::Error>::exit"];

/// `process::exit` stands in `main` alone; clap has one for wrong arguments.
const HYPERFINE: Real = Real {
    package: "hyperfine",
    version: "1.19.0",
    options: &["--bin", "hyperfine"],
    refused: &["main"],
    reaching: &[
        ("hyperfine::cli::get_cli_arguments", CLAP, "clap's `get_matches_from`"),
        ("hyperfine::run", CLAP, "calls `get_cli_arguments`"),
    ],
    // All of them.
    proven: 111,
};

/// `process::exit` stands in `ExitCode::exit` alone, which `main` calls, and in `WorkerState::scan` the
/// closure that is to run at the second Ctrl-C.
const FD: Real = Real {
    package: "fd-find",
    version: "10.2.0",
    // Its allocator takes a minute to build, and is C that aborts when memory is damaged.
    options: &["--bin", "fd", "--no-default-features", "--features", "completions"],
    refused: &["main", "ExitCode::exit", "WorkerState::scan"],
    reaching: &[
        ("fd::run", OF_RUN, "clap's `Opts::parse`; calls `walk::scan`"),
        ("fd::walk::scan", OF_SCAN, "sets that closure, which raises SIGINT; calls the two below"),
        ("<fd::walk::WorkerState>::receive", ABORT, "clones a channel, which counts its clones"),
        ("<fd::walk::WorkerState>::spawn_senders", ABORT, "clones a channel"),
    ],
    proven: 32,
};

/// `process::exit` stands in the macros of `messages.rs` alone, for when `stderr` is closed.
const RIPGREP: Real = Real {
    package: "ripgrep",
    version: "14.1.1",
    options: &["--bin", "rg"],
    refused: &["main"],
    reaching: &[
        ("<rg::flags::hiargs::HiArgs>::sort", EXIT, "runs an iterator of `build_from_result`"),
        ("<rg::flags::hiargs::HiArgs>::walk_builder", EXIT, "`ignore_message!`"),
        ("<rg::haystack::HaystackBuilder>::build", EXIT, "`ignore_message!`"),
        ("<rg::haystack::HaystackBuilder>::build_from_result", EXIT, "`err_message!`, `build`"),
        ("<rg::logger::Logger as log::Log>::log", EXIT, "`eprintln_locked!`"),
        ("<rg::logger::Logger>::init", EXIT, "hands `Logger` over to be called"),
        ("rg::eprint_nothing_searched", EXIT, "`err_message!`"),
        ("rg::files", EXIT, "`walk_builder`, and `build_from_result` in a closure"),
        ("rg::files_parallel", EXIT, "`walk_builder`, and `build_from_result` in a closure"),
        ("rg::flags::config::args", EXIT, "`message!`"),
        ("rg::flags::parse::parse", EXIT, "calls `parse_low`"),
        ("rg::flags::parse::parse_low", EXIT, "calls `config::args`"),
        ("rg::run", EXIT, "calls `search`, `files` and the like"),
        ("rg::search", EXIT, "`err_message!`"),
        ("rg::search_parallel", EXIT, "`err_message!`"),
    ],
    proven: 795,
};

/// Where the functions with a body begin, behind their own attributes.
struct Functions<'a> {
    refused: &'a [&'a str],
    /// What the `impl` around is of.
    owner: String,
    places: Vec<LineColumn>,
}

impl Functions<'_> {
    fn add(&mut self, attributes: &[Attribute], visibility: &Visibility, signature: &Signature) {
        let is_test = attributes.iter().any(|attribute| attribute.path().is_ident("test"));
        let name = format!("{}{}", self.owner, signature.ident);
        if is_test || signature.constness.is_some() || self.refused.contains(&name.as_str()) {
            return;
        }
        let span = match visibility {
            Visibility::Inherited => signature.span(),
            visibility => visibility.span(),
        };
        self.places.push(span.start());
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.add(&item.attrs, &item.vis, &item.sig);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let owner = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
            _ => None,
        };
        let before = std::mem::replace(&mut self.owner, owner.unwrap_or_default() + "::");
        visit::visit_item_impl(self, item);
        self.owner = before;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.add(&item.attrs, &item.vis, &item.sig);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if item.default.is_some() {
            self.add(&item.attrs, &Visibility::Inherited, &item.sig);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }
}

/// A file with the attribute on each function, on the line on which that stands.
fn annotated(text: &str, refused: &[&str]) -> String {
    let file = syn::parse_file(text).expect("it is Rust");
    let mut functions = Functions { refused, owner: String::new(), places: Vec::new() };
    functions.visit_file(&file);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    functions.places.sort_by_key(|place| (place.line, place.column));
    for place in functions.places.iter().rev() {
        let line = &mut lines[place.line - 1];
        let at = line.char_indices().nth(place.column).map_or(line.len(), |(at, _)| at);
        line.insert_str(at, "#[backstop::no_exit] ");
    }
    lines.join("\n") + "\n"
}

fn copy_annotated(from: &Path, to: &Path, refused: &[&str]) {
    fs::create_dir_all(to).expect("a folder is made");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_annotated(&path, &to, refused);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("build.rs") {
            let text = fs::read_to_string(&path).expect("text");
            fs::write(to, annotated(&text, refused)).expect("a file is written");
        } else {
            fs::copy(path, to).expect("a file is copied");
        }
    }
}

impl Real {
    fn annotated(&self) -> Option<PathBuf> {
        let folder = target("real").join(self.package);
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("the folder is removed");
        }
        copy_annotated(&unpacked(self.package, self.version)?, &folder, self.refused);
        let manifest = folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("text");
        let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("runtime");
        let backstop = format!("dependencies.backstop]\npath = \"{}\"\n", runtime.display());
        // Build scripts take files of the program in.
        let text = format!("{text}\n[{backstop}\n[build-{backstop}\n[workspace]\n");
        fs::write(manifest, text).expect("a file is written");
        Some(folder)
    }

    fn check(&self, profile: &[&str]) {
        let Some(folder) = self.annotated() else { return };
        let arguments = [self.options, profile].concat();
        let (report, _) = verify(&folder, &target("real-target"), &arguments);
        let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let functions = report["programs"][0]["functions"].as_array().expect("functions");
        for one in
            functions.iter().filter(|one| one["verdict"] == "violated" || one["verdict"] == "may")
        {
            let function = one["function"].as_str().expect("text").to_owned();
            let paths = one["paths"].as_array().expect("paths");
            let sinks = paths.iter().filter_map(|path| path["sink"].as_str());
            told.insert(function, sinks.map(str::to_owned).collect());
        }
        for (function, sinks, reason) in self.reaching {
            let told = told.remove(*function);
            let told = told.unwrap_or_else(|| panic!("not told: {function}: {reason}"));
            let known = |told: &String| sinks.contains(&told.as_str());
            assert!(!told.is_empty() && told.iter().all(known), "{function}: {reason}; {told:?}");
        }
        assert!(told.is_empty(), "told, and not in the sources: {told:#?}");
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for (_, verdict) in verdicts(&report, "") {
            *counts.entry(verdict).or_default() += 1;
        }
        println!("{} {} {profile:?}: {counts:?}", self.package, self.version);
        assert!(counts["proven"] >= self.proven, "{counts:?}");
    }
}

#[test]
fn functions_of_hyperfine_that_reach_a_sink_are_those_of_its_sources() {
    HYPERFINE.check(&[]);
}

#[test]
#[ignore = "builds for minutes: see the README"]
fn functions_of_hyperfine_are_the_same_in_release() {
    HYPERFINE.check(&["--release"]);
}

#[test]
#[ignore = "builds for minutes: see the README"]
fn functions_of_fd_that_reach_a_sink_are_those_of_its_sources() {
    FD.check(&[]);
    FD.check(&["--release"]);
}

#[test]
#[ignore = "builds for minutes: see the README"]
fn functions_of_ripgrep_that_reach_a_sink_are_those_of_its_sources() {
    RIPGREP.check(&[]);
    RIPGREP.check(&["--release"]);
}
