//! What names mean, as far as the syntax of one item shows it.

use crate::paths::{self, Resolved, segments};
use std::collections::{HashMap, HashSet};
use syn::visit::{self, Visit};
use syn::{Block, Item, Path, Stmt, UseTree};

/// Names that `use` items bring in, and names that are declared beside them.
///
/// A macro sees one item, never the file around it: a name that is neither imported nor declared
/// here may mean anything, and [`Scan`](crate::Scan) then goes by the last two segments of a path.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    uses: HashMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    /// `use Trait as _;`
    unnamed: Vec<Vec<String>>,
    /// Modules, types and traits: what may be the first segment of a longer path.
    types: HashSet<String>,
    /// Functions, constants and variables.
    values: HashSet<String>,
}

impl Imports {
    /// The `use` items among `items`, and the names of the items themselves.
    #[must_use]
    pub fn of_items(items: &[Item]) -> Self {
        let mut imports = Self::default();
        for item in items {
            imports.add(item);
        }
        imports
    }

    /// These imports and everything that is imported or declared anywhere in `block`, at whatever
    /// depth: an import in a nested block counts for the whole body.
    #[must_use]
    pub fn extended_by(&self, block: &Block) -> Self {
        struct Collect(Imports);
        impl<'ast> Visit<'ast> for Collect {
            fn visit_item(&mut self, item: &'ast Item) {
                self.0.add(item);
            }
            fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
                self.0.values.insert(paths::name(&pat.ident));
                visit::visit_pat_ident(self, pat);
            }
        }
        let mut collect = Collect(self.clone());
        collect.visit_block(block);
        collect.0
    }

    /// The items that stand directly in `block`, or `None` where there are none.
    pub(crate) fn of_statements(statements: &[Stmt]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for statement in statements {
            if let Stmt::Item(item) = statement {
                found.get_or_insert_with(Self::default).add(item);
            }
        }
        found
    }

    /// The canonical path that `path` visibly stands for: `std::process::exit` for `quit` after
    /// `use std::process::exit as quit`. `core` and `alloc` are spelled `std`.
    ///
    /// `None` where nothing visible shows it: a name that nobody imports, or a local one.
    #[must_use]
    pub fn resolve(&self, path: &Path) -> Option<String> {
        let written = segments(path);
        match self.lookup(&written, path.leading_colon.is_some())? {
            Resolved::Full(path) | Resolved::Imported { path, .. } => Some(path.join("::")),
            Resolved::Local | Resolved::Suffix(_) => None,
        }
    }

    /// Whether a function, variable, module or type of that name is declared here.
    #[must_use]
    pub fn declares(&self, name: &str) -> bool {
        self.values.contains(name) || self.types.contains(name)
    }

    /// Whether a single name can stand for a row's path here.
    pub(crate) fn names_values(&self) -> bool {
        !(self.uses.is_empty() && self.globs.is_empty())
    }

    /// Whether something here imports exactly `path`, under whatever name, or by a glob.
    pub(crate) fn imports(&self, path: &str) -> bool {
        self.uses.values().chain(&self.unnamed).any(|used| paths::same(used, path))
            || self.globs.iter().any(|glob| {
                path.rsplit_once("::").is_some_and(|(module, _)| paths::same(glob, module))
            })
    }

    /// What `written` stands for in this one layer; `None`: the layer does not know its first name.
    pub(crate) fn lookup(&self, written: &[String], absolute: bool) -> Option<Resolved> {
        let first = written.first()?;
        if absolute {
            return Some(Resolved::Full(paths::canonical(written)));
        }
        if let Some(used) = self.uses.get(first) {
            let used = self.expanded(used, 0);
            let by_module = written.len() > 1;
            let path = used.iter().chain(&written[1..]).cloned().collect::<Vec<_>>();
            return Some(Resolved::Imported { path: paths::canonical(&path), by_module });
        }
        if written.len() == 1 {
            if self.values.contains(first) || self.types.contains(first) {
                return Some(Resolved::Local);
            }
            return self.by_glob(first);
        }
        if self.types.contains(first) {
            return Some(Resolved::Local);
        }
        // `alloc::handle_alloc_error` is `std::alloc`'s, not the crate's.
        if paths::is_std(first) && (first != "alloc" || written.len() > 2) {
            return Some(Resolved::Full(paths::canonical(written)));
        }
        // `use std::*` brings in `process`.
        let module = self.globs.iter().find(|glob| glob.len() == 1 && paths::is_std(&glob[0]))?;
        let path = module.iter().chain(written).cloned().collect::<Vec<_>>();
        paths::is_known(&path)
            .then(|| Resolved::Imported { path: paths::canonical(&path), by_module: true })
    }

    /// A name that a glob import of a module brings in, if the catalogue knows the module's item.
    fn by_glob(&self, name: &str) -> Option<Resolved> {
        self.globs.iter().find_map(|glob| {
            let mut path = self.expanded(glob, 0);
            path.push(name.to_owned());
            paths::is_known(&path)
                .then(|| Resolved::Imported { path: paths::canonical(&path), by_module: false })
        })
    }

    /// `use std::process as p; use p::exit;`: the second path starts with the first's name.
    fn expanded(&self, path: &[String], depth: usize) -> Vec<String> {
        const DEEPEST: usize = 8;
        match path.first().and_then(|first| self.uses.get(first)) {
            // `use tokio;` and `use exit::exit` name themselves.
            Some(used) if depth < DEEPEST && used.first() != path.first() => {
                let joined = used.iter().chain(&path[1..]).cloned().collect::<Vec<_>>();
                self.expanded(&joined, depth + 1)
            }
            _ => path.to_vec(),
        }
    }

    fn add(&mut self, item: &Item) {
        let (ident, is_type) = match item {
            Item::Use(item) => return self.add_tree(&mut Vec::new(), &item.tree),
            Item::ExternCrate(item) => {
                if let Some((_, name)) = &item.rename {
                    self.uses.insert(paths::name(name), vec![paths::name(&item.ident)]);
                }
                return;
            }
            Item::ForeignMod(item) => {
                for item in &item.items {
                    if let syn::ForeignItem::Fn(item) = item {
                        // `extern "C" { fn exit(code: c_int) -> !; }` is libc's.
                        let name = paths::name(&item.sig.ident);
                        let path = vec!["libc".to_owned(), name.clone()];
                        if paths::is_known(&path) {
                            self.uses.insert(name, path);
                        } else {
                            self.values.insert(name);
                        }
                    }
                }
                return;
            }
            Item::Fn(item) => (&item.sig.ident, false),
            Item::Const(item) => (&item.ident, false),
            Item::Static(item) => (&item.ident, false),
            Item::Mod(item) => (&item.ident, true),
            Item::Struct(item) => (&item.ident, true),
            Item::Enum(item) => (&item.ident, true),
            Item::Union(item) => (&item.ident, true),
            Item::Trait(item) => (&item.ident, true),
            Item::Type(item) => (&item.ident, true),
            _ => return,
        };
        let names = if is_type { &mut self.types } else { &mut self.values };
        names.insert(paths::name(ident));
    }

    fn add_tree(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(tree) => {
                prefix.push(paths::name(&tree.ident));
                self.add_tree(prefix, &tree.tree);
                prefix.pop();
            }
            UseTree::Name(tree) => self.add_use(prefix, paths::name(&tree.ident), None),
            UseTree::Rename(tree) => {
                let name = paths::name(&tree.rename);
                self.add_use(prefix, paths::name(&tree.ident), Some(name));
            }
            UseTree::Glob(_) => self.globs.push(paths::canonical(prefix)),
            UseTree::Group(tree) => {
                for tree in &tree.items {
                    self.add_tree(prefix, tree);
                }
            }
        }
    }

    fn add_use(&mut self, prefix: &[String], name: String, rename: Option<String>) {
        let mut path = prefix.to_vec();
        if name != "self" || prefix.is_empty() {
            path.push(name);
        }
        let Some(last) = path.last() else { return };
        let visible = rename.unwrap_or_else(|| last.clone());
        if visible == "_" {
            self.unnamed.push(path);
        } else {
            self.uses.insert(visible, path);
        }
    }
}
