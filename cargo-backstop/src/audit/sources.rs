//! The places in the sources of a workspace that break a rule of the catalogue.
//!
//! Files are found as rustc finds them, from each target's first one through its `mod` items; code
//! that is for tests only is not looked at. Of macros that are called where items are, what is written
//! there is: as far as their syntax is known, and else name by name, which is told. What they make of it
//! is nobody's source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use backstop_rules::{Allow, Group, Imports, Report, Scan};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ImplItem, Item, ItemMacro, ItemMod, Macro, Meta, Signature, TraitItem,
};

use super::Site;
use super::item_macros::{self, Part};
use crate::compile::Root;
use crate::report::short_path;

/// What is looked for everywhere.
const GROUPS: [Group; 4] = [Group::Exit, Group::Forget, Group::Detach, Group::Hang];

/// What was looked at.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) sites: BTreeSet<Site>,
    pub(super) files: usize,
    /// Files that could not be read, and why.
    pub(super) unread: Vec<String>,
    /// Macros of which only names were looked at: the place, and what is called.
    pub(super) by_name: BTreeSet<String>,
}

/// Looks through the sources of some targets.
pub(super) fn look(roots: &[Root], workspace: &Path) -> Sources {
    let mut sources = Sources::default();
    let mut seen = BTreeSet::new();
    for root in roots {
        let mut walk = Walk {
            root,
            workspace,
            sources: &mut sources,
            seen: &mut seen,
            file: PathBuf::new(),
            imports: Imports::default(),
        };
        let folder = root.file.parent().unwrap_or(workspace).to_owned();
        walk.file(&root.file, &folder);
    }
    sources
}

struct Walk<'a> {
    root: &'a Root,
    workspace: &'a Path,
    sources: &'a mut Sources,
    seen: &'a mut BTreeSet<PathBuf>,
    file: PathBuf,
    /// Of the module.
    imports: Imports,
}

impl Walk<'_> {
    /// `folder`: where its modules' files are.
    fn file(&mut self, path: &Path, folder: &Path) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        let parsed = std::fs::read_to_string(path)
            .map_err(|error| error.to_string())
            .and_then(|text| syn::parse_file(&text).map_err(|error| error.to_string()));
        let file = match parsed {
            Ok(file) => file,
            Err(error) => {
                let file = short_path(&path.display().to_string(), Some(self.workspace));
                self.sources.unread.push(format!("{file}: {error}"));
                return;
            }
        };
        self.sources.files += 1;
        let outer = std::mem::replace(&mut self.file, path.to_owned());
        self.items(&file.items, folder);
        self.file = outer;
    }

    fn items(&mut self, items: &[Item], folder: &Path) {
        let outer = std::mem::replace(&mut self.imports, Imports::of_items(items));
        for item in items {
            self.item(item, folder);
        }
        self.imports = outer;
    }

    fn item(&mut self, item: &Item, folder: &Path) {
        match item {
            Item::Fn(item) => self.function(&item.attrs, &item.sig, &item.block, false),
            Item::Impl(item) => {
                let last = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
                let drops = last.is_some_and(|last| last.ident == "Drop");
                for part in &item.items {
                    match part {
                        ImplItem::Fn(part) => {
                            let attrs = [item.attrs.as_slice(), &part.attrs].concat();
                            self.function(&attrs, &part.sig, &part.block, drops);
                        }
                        ImplItem::Const(part) => self.value(&part.expr),
                        ImplItem::Macro(part) => self.words(&part.mac, part.mac.tokens.clone()),
                        _ => {}
                    }
                }
            }
            Item::Trait(item) => {
                for part in &item.items {
                    match part {
                        TraitItem::Fn(part) => {
                            if let Some(block) = &part.default {
                                self.function(&part.attrs, &part.sig, block, false);
                            }
                        }
                        TraitItem::Macro(part) => self.words(&part.mac, part.mac.tokens.clone()),
                        _ => {}
                    }
                }
            }
            Item::Const(item) => self.value(&item.expr),
            Item::Static(item) => self.value(&item.expr),
            Item::Mod(item) if !is_for_tests(&item.attrs) => self.module(item, folder),
            Item::Macro(item) if !is_for_tests(&item.attrs) => self.macro_of_items(item, folder),
            _ => {}
        }
    }

    fn macro_of_items(&mut self, item: &ItemMacro, folder: &Path) {
        for part in item_macros::parts(item) {
            match part {
                Part::Item(item) => self.item(&item, folder),
                Part::Body(block) => self.body(&block, folder),
                Part::Value(value) => self.value(&value),
                Part::Words(tokens) => self.words(&item.mac, tokens),
            }
        }
    }

    /// What only names can be looked for in.
    fn words(&mut self, mac: &Macro, tokens: TokenStream) {
        if tokens.is_empty() {
            return;
        }
        let file = short_path(&self.file.display().to_string(), Some(self.workspace));
        let (line, column) = place(mac.path.span());
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        self.sources.by_name.insert(format!("{file}:{line}:{column} {name}!"));
        self.add(&Scan::new(&GROUPS).imports(&self.imports).tokens(tokens));
    }

    fn body(&mut self, block: &Block, folder: &Path) {
        self.add(&Scan::new(&GROUPS).imports(&self.imports).block(block));
        self.nested(block, folder);
    }

    fn nested(&mut self, block: &Block, folder: &Path) {
        let mut nested = Nested(Vec::new());
        nested.visit_block(block);
        for item in nested.0 {
            self.item(item, folder);
        }
    }

    fn module(&mut self, item: &ItemMod, folder: &Path) {
        let name = item.ident.to_string();
        let inner = folder.join(name.trim_start_matches("r#"));
        if let Some((_, items)) = &item.content {
            self.items(items, &inner);
            return;
        }
        let beside = self.file.parent().unwrap_or(folder).to_owned();
        if let Some(path) = path_attribute(&item.attrs) {
            let path = beside.join(path);
            let folder = path.parent().unwrap_or(folder).to_owned();
            self.file(&path, &folder);
            return;
        }
        // One that is absent is configured out, or rustc says so.
        let flat = inner.with_extension("rs");
        let found = if flat.is_file() { flat } else { inner.join("mod.rs") };
        if found.is_file() {
            self.file(&found, &inner);
        }
    }

    fn function(&mut self, attrs: &[Attribute], signature: &Signature, block: &Block, drops: bool) {
        if is_for_tests(attrs) || attrs.iter().any(|attr| attr.path().is_ident("test")) {
            return;
        }
        let mut groups = GROUPS.to_vec();
        if drops && signature.ident == "drop" {
            groups.push(Group::DropPanic);
        }
        let imports = self.imports.clone();
        let scan = Scan::new(&groups).imports(&imports).signature(signature);
        let scan = allows(attrs).into_iter().fold(scan, Scan::allow);
        self.add(&scan.block(block));
        let folder = self.file.parent().unwrap_or(self.workspace).to_owned();
        self.nested(block, &folder);
    }

    fn value(&mut self, value: &Expr) {
        let report = Scan::new(&GROUPS).imports(&self.imports).expr(value);
        self.add(&report);
    }

    fn add(&mut self, report: &Report) {
        let file = short_path(&self.file.display().to_string(), Some(self.workspace));
        for finding in &report.findings {
            let (line, column) = place(finding.span);
            self.sources.sites.insert(Site {
                krate: self.root.package.clone(),
                rule: finding.rule.name,
                program: None,
                dependency: self.root.dependency,
                what: finding.written.clone(),
                file: Some(file.clone()),
                line,
                column,
                message: finding.describe(),
            });
        }
    }
}

fn place(span: Span) -> (u32, u32) {
    let start = span.start();
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    (number(start.line), number(start.column + 1))
}

fn is_for_tests(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| match &attr.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

fn path_attribute(attrs: &[Attribute]) -> Option<String> {
    attrs.iter().find_map(|attr| match &attr.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// The `allow(..)` among the arguments of our attributes.
fn allows(attrs: &[Attribute]) -> Vec<Allow> {
    let mut found = Vec::new();
    for attr in attrs {
        let name = attr.path().segments.last().map(|last| last.ident.to_string());
        let ours = ["must_cleanup", "no_exit", "scoped_spawn"];
        if let (Meta::List(list), Some(name)) = (&attr.meta, name) {
            if ours.contains(&name.as_str()) {
                found.extend(allows_in(list.tokens.clone()));
            }
        }
    }
    found
}

fn allows_in(tokens: TokenStream) -> Vec<Allow> {
    let mut found = Vec::new();
    let mut named = false;
    for token in tokens {
        if let (true, TokenTree::Group(group)) = (named, &token) {
            found.push(Allow::parse(group.stream(), group.span()).0);
        }
        named = matches!(&token, TokenTree::Ident(ident) if ident == "allow");
    }
    found
}

/// The items in a body, which a scan of it leaves out: all but macros.
struct Nested<'ast>(Vec<&'ast Item>);

impl<'ast> Visit<'ast> for Nested<'ast> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !matches!(item, Item::Macro(_)) {
            self.0.push(item);
        }
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        visit::visit_expr(self, expr);
    }
}
