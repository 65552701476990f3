//! Puts attributes and guards into a source file, and changes nothing else in it.
//!
//! Everything is inserted into lines that exist, so that line numbers, comments and the text that
//! macros print stay as they were.

use std::collections::BTreeMap;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{
    AttrStyle, Attribute, Block, Expr, GenericArgument, ImplItemFn, Item, ItemFn, ItemImpl,
    ItemTrait, ReturnType, Signature, TraitItemFn, Type,
};

use crate::mode::Mode;

/// What is done with one function other than the mode says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exception {
    /// Rules that the function is allowed to break.
    pub(crate) allows: Vec<String>,
    /// Left as it was.
    pub(crate) bare: bool,
}

/// The exceptions in one file: by the byte at which the function begins.
pub(crate) type Exceptions = BTreeMap<usize, Exception>;

/// A function that carries an attribute, itself or through its container.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// The byte at which it begins in the original.
    pub(crate) start: usize,
    pub(crate) name: String,
    /// First and last line, the same in both versions.
    pub(crate) lines: (usize, usize),
}

/// A rewritten file.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    pub(crate) functions: Vec<Function>,
}

/// Rewrites `text`, the file `name` of its package, for `mode`.
pub(crate) fn rewrite(
    text: &str,
    name: &str,
    mode: Mode,
    exceptions: &Exceptions,
) -> syn::Result<Rewritten> {
    let (mark, source) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (text.len() - rest.len(), rest),
        None => (0, text),
    };
    let file: syn::File = syn::parse_str(source)?;
    let mut rewriter = Rewriter {
        mode,
        name,
        exceptions,
        edits: Vec::new(),
        functions: Vec::new(),
        contained: false,
    };
    rewriter.visit_file(&file);
    let Rewriter { mut edits, functions, .. } = rewriter;
    edits.sort_by_key(|(at, _)| *at);
    let mut out = String::with_capacity(text.len() * 2);
    let mut done = 0;
    for (at, inserted) in edits {
        let at = at + mark;
        out += &text[done..at];
        out += &inserted;
        done = at;
    }
    out += &text[done..];
    Ok(Rewritten { text: out, functions })
}

struct Rewriter<'a> {
    mode: Mode,
    name: &'a str,
    exceptions: &'a Exceptions,
    edits: Vec<(usize, String)>,
    functions: Vec<Function>,
    /// In a container that carries the attribute.
    contained: bool,
}

impl Rewriter<'_> {
    fn function(&mut self, start: usize, attrs: &[Attribute], sig: &Signature, block: &Block) {
        if sig.constness.is_some() {
            return;
        }
        let exception = self.exceptions.get(&start).cloned().unwrap_or_default();
        if exception.bare && !self.contained {
            return;
        }
        let lines = (sig.span().start().line, block.brace_token.span.close().end().line);
        self.functions.push(Function { start, name: sig.ident.to_string(), lines });
        if !self.contained || !exception.allows.is_empty() {
            self.edits.push((start, self.mode.attribute(&exception.allows)));
        }
        if sig.asyncness.is_some() {
            return;
        }
        let guard = |block: &Block, attrs: &[Attribute]| {
            let inner = attrs.iter().rfind(|attr| matches!(attr.style, AttrStyle::Inner(_)));
            let at = inner.map_or(block.brace_token.span.open().byte_range().end, |attr| {
                attr.bracket_token.span.close().byte_range().end
            });
            let line = block.brace_token.span.open().start().line;
            let place = format!("{}:{line} {}", self.name, sig.ident);
            (at, guards(&place, is_plain(sig)))
        };
        match self.mode {
            Mode::Rewritten => self.edits.push(guard(block, attrs)),
            Mode::Blocks => {
                let mut blocks = Blocks(Vec::new());
                blocks.visit_block(block);
                let Some((first, others)) = blocks.0.split_first() else { return };
                let mut edits = vec![guard(first, attrs)];
                edits.extend(others.iter().map(|block| guard(block, &[])));
                self.edits.extend(edits);
            }
            Mode::MustCleanup | Mode::NoExit | Mode::Containers => {}
        }
    }

    fn container(
        &mut self,
        start: usize,
        braces: &syn::token::Brace,
        has_functions: bool,
        visit: impl FnOnce(&mut Self),
    ) {
        let outer = self.contained;
        let body = start..braces.span.close().byte_range().end;
        // One function cannot be left out of it.
        let bare = self.exceptions.range(body).any(|(_, exception)| exception.bare);
        if self.mode == Mode::Containers && !outer && has_functions && !bare {
            self.edits.push((start, self.mode.attribute(&[])));
            self.contained = true;
        }
        visit(self);
        self.contained = outer;
    }
}

impl<'ast> Visit<'ast> for Rewriter<'_> {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        let start = start(&item.vis, &item.modifiers, &item.sig);
        let outer = std::mem::take(&mut self.contained);
        self.function(start, &item.attrs, &item.sig, &item.block);
        visit::visit_item_fn(self, item);
        self.contained = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        let start = start(&item.vis, &item.modifiers, &item.sig);
        self.function(start, &item.attrs, &item.sig, &item.block);
        let outer = std::mem::take(&mut self.contained);
        visit::visit_impl_item_fn(self, item);
        self.contained = outer;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(block) = &item.default {
            let start = item.sig.span().byte_range().start;
            self.function(start, &item.attrs, &item.sig, block);
        }
        let outer = std::mem::take(&mut self.contained);
        visit::visit_trait_item_fn(self, item);
        self.contained = outer;
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let first = item.unsafety.as_ref().map_or(item.impl_token.span, |token| token.span);
        let has_functions = item.items.iter().any(
            |item| matches!(item, syn::ImplItem::Fn(function) if function.sig.constness.is_none()),
        );
        self.container(first.byte_range().start, &item.brace_token, has_functions, |this| {
            visit::visit_item_impl(this, item);
        });
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let first = item.unsafety.as_ref().map_or(item.trait_token.span, |token| token.span);
        let first = match &item.vis {
            syn::Visibility::Inherited => first,
            vis => vis.span(),
        };
        let has_functions = item
            .items
            .iter()
            .any(|item| matches!(item, syn::TraitItem::Fn(function) if function.default.is_some()));
        self.container(first.byte_range().start, &item.brace_token, has_functions, |this| {
            visit::visit_item_trait(this, item);
        });
    }
}

/// Where a function begins, after its attributes.
fn start(vis: &syn::Visibility, modifiers: &syn::FnModifiers, sig: &Signature) -> usize {
    let modifiers = modifiers.defaultness.as_ref().map(syn::spanned::Spanned::span);
    let vis = (!matches!(vis, syn::Visibility::Inherited)).then(|| vis.span());
    vis.or(modifiers).unwrap_or_else(|| sig.span()).byte_range().start
}

/// The text of the guards, on one line.
fn guards(place: &str, plain: bool) -> String {
    format!(
        " let __passage = ::backstop_transparency_probe::enter({place:?}, {plain}); \
         ::backstop::defer!(on = success, __passage.success()); \
         ::backstop::defer!(on = error, __passage.error()); \
         ::backstop::defer!(on = unwind, __passage.unwind()); \
         #[cleanup(())] let __guarded = ();"
    )
}

/// Whether no value of the function's type is a failure, as far as its spelling shows.
fn is_plain(sig: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &sig.output else { return true };
    match &**ty {
        Type::Path(ty) => {
            let alone = ty.qself.is_none() && ty.path.segments.len() == 1;
            let name = ty.path.segments.last().map(|last| last.ident.to_string());
            let name = name.unwrap_or_default();
            let parameter = sig.generics.type_params().any(|param| param.ident == name);
            let known = ["bool", "char", "str", "String", "Vec", "Box", "Self", "Ordering"];
            alone
                && (parameter
                    || known.contains(&name.as_str())
                    || name.starts_with(|c: char| c.is_ascii_lowercase()))
        }
        Type::Tuple(_) | Type::Reference(_) | Type::Slice(_) | Type::Array(_) | Type::Ptr(_) => {
            true
        }
        _ => false,
    }
}

/// The blocks of a body that are left as the body is.
struct Blocks<'a>(Vec<&'a Block>);

impl<'ast> Visit<'ast> for Blocks<'ast> {
    fn visit_block(&mut self, block: &'ast Block) {
        self.0.push(block);
        visit::visit_block(self, block);
    }

    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) | Expr::TryBlock(_) => {}
            Expr::Repeat(repeat) => self.visit_expr(&repeat.expr),
            other => visit::visit_expr(self, other),
        }
    }

    fn visit_item(&mut self, _: &'ast Item) {}
    fn visit_type(&mut self, _: &'ast Type) {}
    fn visit_generic_argument(&mut self, _: &'ast GenericArgument) {}
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\u{feff}//! ünder\n#[inline]\npub fn a() -> bool { #![allow(unused)]\n    \
                          loop { if b'x' == 1 { return true } }\n}\nconst fn c() {}\nimpl X {\n    \
                          /// É\n    async fn d(&self) {}\n}\nmacro_rules! m { () => { fn e() {} } }\n";

    fn rewritten(mode: Mode, exceptions: &Exceptions) -> Rewritten {
        rewrite(SOURCE, "src/x.rs", mode, exceptions).expect("the source parses")
    }

    #[test]
    fn attributes_are_inserted_and_nothing_else_changes() {
        let Rewritten { text, functions } = rewritten(Mode::NoExit, &Exceptions::new());
        assert_eq!(text.replace("#[::backstop::no_exit] ", ""), SOURCE);
        assert_eq!(
            text.lines().nth(2),
            Some("#[::backstop::no_exit] pub fn a() -> bool { #![allow(unused)]")
        );
        let places: Vec<_> = functions.iter().map(|f| (f.name.as_str(), f.lines)).collect();
        assert_eq!(places, [("a", (3, 5)), ("d", (9, 9))]);
    }

    #[test]
    fn guards_stand_after_inner_attributes_and_not_in_async_functions() {
        let guard = guards("src/x.rs:3 a", true);
        let Rewritten { text, .. } = rewritten(Mode::Rewritten, &Exceptions::new());
        assert!(text.contains(&format!("#![allow(unused)]{guard}")), "{text}");
        assert_eq!(text.replace(&guard, "").replace("#[::backstop::must_cleanup] ", ""), SOURCE);
    }

    #[test]
    fn every_block_of_a_body_gets_guards() {
        let Rewritten { text, .. } = rewritten(Mode::Blocks, &Exceptions::new());
        assert_eq!(text.matches("enter(").count(), 3, "{text}");
        assert_eq!(text.lines().count(), SOURCE.lines().count());
    }

    #[test]
    fn a_function_that_is_refused_gets_its_allow_and_one_that_is_broken_stays() {
        let Rewritten { functions, .. } = rewritten(Mode::NoExit, &Exceptions::new());
        let exception = |allows: &[&str], bare| Exception {
            allows: allows.iter().map(ToString::to_string).collect(),
            bare,
        };
        let exceptions = Exceptions::from([
            (functions[0].start, exception(&["process_exit"], false)),
            (functions[1].start, exception(&[], true)),
        ]);
        let Rewritten { text, .. } = rewritten(Mode::NoExit, &exceptions);
        assert!(text.contains("no_exit(allow(process_exit, reason = "), "{text}");
        assert!(text.contains("\n    async fn d"), "{text}");
    }

    #[test]
    fn only_spellings_that_hide_no_failure_count_as_plain() {
        let plain = |signature: &str| {
            is_plain(&syn::parse_str::<Signature>(signature).expect("the signature parses"))
        };
        for yes in ["fn f()", "fn f() -> u8", "fn f<T>() -> T", "fn f() -> &'static str"] {
            assert!(plain(yes), "{yes}");
        }
        for no in
            ["fn f() -> fmt::Result", "fn f() -> Option<u8>", "fn f<I: Iterator>() -> I::Item"]
        {
            assert!(!plain(no), "{no}");
        }
    }
}
