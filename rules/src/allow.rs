//! `allow(RULE, .., reason = "..")` and `#[allow_skip(RULE, .., reason = "..")]`: parsing, and
//! which of them were of use.

use crate::catalogue::{self, RULES, Rule, WARNINGS};
use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, Ident, Lit, Meta, Stmt, Token};

/// One `allow(..)` of an attribute, or one `#[allow_skip(..)]` of a statement.
#[derive(Clone, Debug)]
pub struct Allow {
    /// What it allows.
    pub rules: Vec<Allowed>,
    /// Why, in the user's words.
    pub reason: String,
    /// Where it stands.
    pub span: Span,
    /// It has errors of its own, so nothing more is said of it.
    faulty: bool,
}

/// One name in an [`Allow`].
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    /// The name: a rule's, or one of [`WARNINGS`].
    pub name: &'static str,
    /// The rule; `None` for a warning.
    pub rule: Option<&'static Rule>,
    /// Where the name stands.
    pub span: Span,
}

impl Allow {
    /// Reads what stands between the parentheses.
    ///
    /// `span` is where an error about the whole goes: the word `allow` or `allow_skip`.
    ///
    /// Beside it what is wrong with it, all at once; what it names, it allows all the same, so that
    /// its error brings no others: a name that is no rule (with the near ones), a name given twice, no name, no
    /// reason, an empty one, an unknown key, and whatever is not a name or a key.
    #[must_use]
    pub fn parse(tokens: TokenStream, span: Span) -> (Self, Option<syn::Error>) {
        let mut allow = Self { rules: Vec::new(), reason: String::new(), span, faulty: false };
        let mut errors = Errors::default();
        let read = |input: ParseStream<'_>| allow.read(input, &mut errors);
        if let Err(error) = read.parse2(tokens) {
            errors.0.push(error);
        }
        let error = errors.combined();
        allow.faulty = error.is_some();
        (allow, error)
    }

    /// Whether it names that rule or warning.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        self.rules.iter().any(|allowed| allowed.name == name)
    }

    fn read(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        let mut reason = None;
        let mut named_any = false;
        while !input.is_empty() {
            let name: Ident = input.parse()?;
            if input.peek(Token![=]) {
                input.parse::<Token![=]>()?;
                let value: Expr = input.parse()?;
                read_key(&name, &value, &mut reason, errors);
            } else if name == "reason" {
                errors.push(name.span(), "`reason` needs a value\nhelp: write `reason = \"..\"`");
                reason = Some(String::new());
            } else if input.peek(Token![::]) {
                let text = "rules have names of their own\nhelp: name the rule, not the function: \
                            `process_exit`";
                return Err(syn::Error::new(name.span(), text));
            } else {
                named_any = true;
                self.name(&name, errors);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if !named_any {
            let text = "nothing is allowed here\nhelp: name a rule and say why: `process_exit, \
                        reason = \"..\"`";
            errors.push(self.span, text);
        } else if reason.is_none() {
            let text = "no reason is given\nhelp: say why this is safe: `reason = \"..\"`";
            errors.push(self.span, text);
        }
        self.reason = reason.unwrap_or_default();
        Ok(())
    }

    fn name(&mut self, name: &Ident, errors: &mut Errors) {
        match known(name) {
            Ok(new) if self.allows(new.name) => {
                let text = format!("`{}` is allowed twice\nhelp: remove one of the two", new.name);
                errors.push(name.span(), text);
            }
            Ok(new) => self.rules.push(new),
            Err(error) => errors.0.push(error),
        }
    }
}

fn read_key(name: &Ident, value: &Expr, reason: &mut Option<String>, errors: &mut Errors) {
    if name != "reason" {
        errors.push(name.span(), format!("unknown key `{name}`\nhelp: the only key is `reason`"));
        return;
    }
    if reason.is_some() {
        errors.push(name.span(), "the reason is given twice\nhelp: remove one of the two");
        return;
    }
    let Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) = value else {
        errors.0.push(syn::Error::new_spanned(
            value,
            "the reason is no string\nhelp: write `reason = \"..\"`",
        ));
        // Not also "no reason is given".
        *reason = Some(String::new());
        return;
    };
    if text.value().trim().is_empty() {
        errors.push(text.span(), "the reason is empty\nhelp: say why this is safe");
    }
    *reason = Some(text.value());
}

fn known(ident: &Ident) -> Result<Allowed, syn::Error> {
    let (name, span) = (ident.to_string(), ident.span());
    if let Some(rule) = catalogue::rule(&name) {
        return Ok(Allowed { name: rule.name, rule: Some(rule), span });
    }
    if let Some(warning) = WARNINGS.iter().find(|warning| **warning == name) {
        return Ok(Allowed { name: warning, rule: None, span });
    }
    let near = catalogue::similar(&name);
    let hint = if near.is_empty() {
        let all: Vec<_> = RULES.iter().map(|rule| format!("`{}`", rule.name)).collect();
        format!("the rules are {}", all.join(", "))
    } else {
        let near: Vec<_> = near.iter().map(|near| format!("`{near}`")).collect();
        format!("did you mean {}?", near.join(" or "))
    };
    Err(syn::Error::new(span, format!("unknown rule `{name}`\nhelp: {hint}")))
}

#[derive(Default)]
struct Errors(Vec<syn::Error>);

impl Errors {
    fn push(&mut self, span: Span, message: impl std::fmt::Display) {
        self.0.push(syn::Error::new(span, message));
    }

    fn combined(self) -> Option<syn::Error> {
        let mut errors = self.0.into_iter();
        let mut first = errors.next()?;
        errors.for_each(|error| first.combine(error));
        Some(first)
    }
}

/// An allowed name that allowed nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unused {
    /// The name as in the allow.
    pub name: &'static str,
    /// The rule; `None` for a warning.
    pub rule: Option<&'static Rule>,
    /// Where the name stands.
    pub span: Span,
}

/// Every allow of one scan, and which of their names were of use.
///
/// The rule `diverging_call` is found by the caller, by type, but its allows stand among the
/// others. So the scan hands this back, and the caller walks the same body a second time with
/// [`enter`](Self::enter), [`allows`](Self::allows) and [`leave`](Self::leave).
///
/// **Order.** The function's allows come first, in the order in which [`Scan::allow`] got them.
/// Then every `#[allow_skip]`, depth first and in the order of the source: a statement's before
/// those of the statements inside it. Malformed ones count as entries without names. The second
/// walk may leave parts out (macro arguments, say): `enter` finds an attribute again by its text,
/// looking forward from the last one entered first. Besides statements, match arms and (in what
/// the attribute takes away before rustc looks) any other expression may carry one.
///
/// [`Scan::allow`]: crate::Scan::allow
#[derive(Clone, Debug, Default)]
pub struct Allows {
    entries: Vec<Entry>,
    open: Vec<usize>,
    /// One past the entry that was entered last.
    next: usize,
}

/// How many allows were open before an [`Allows::enter`], to hand to [`Allows::leave`].
#[derive(Clone, Copy, Debug)]
#[must_use = "hand it to `Allows::leave`, or the allow covers all the rest"]
pub struct Mark(usize);

#[derive(Clone, Debug)]
struct Entry {
    names: Vec<(Allowed, bool)>,
    text: String,
}

/// One name of one entry, for marking it as used.
#[derive(Clone, Copy)]
pub(crate) struct Use(usize, usize);

impl Allows {
    /// Allows for the whole function.
    pub(crate) fn of_function(allows: Vec<Allow>) -> Self {
        let mut all = Self::default();
        for allow in allows {
            all.open(&allow, String::new());
        }
        all
    }

    fn open(&mut self, allow: &Allow, text: String) {
        self.open.push(self.entries.len());
        let names = allow.rules.iter().map(|allowed| (*allowed, allow.faulty)).collect();
        self.entries.push(Entry { names, text });
        self.next = self.entries.len();
    }

    /// As [`enter`](Self::enter), in the first walk: the entries are made here.
    pub(crate) fn declare(
        &mut self,
        attrs: &[Attribute],
        errors: &mut Vec<syn::Error>,
    ) -> Option<Mark> {
        let mark = Mark(self.open.len());
        let mut any = false;
        for attr in attrs.iter().filter(|attr| is_allow_skip(attr)) {
            any = true;
            let span = attr.path().segments.last().map_or_else(Span::call_site, |s| s.ident.span());
            let (tokens, text) = arguments(attr);
            let (allow, error) = Allow::parse(tokens, span);
            errors.extend(error);
            self.open(&allow, text);
        }
        any.then_some(mark)
    }

    /// Begins what the `#[allow_skip]` attributes among `attrs` cover, in a second walk over the
    /// body that was scanned. To be called with the attributes still there.
    pub fn enter(&mut self, attrs: &[Attribute]) -> Mark {
        let mark = Mark(self.open.len());
        for attr in attrs.iter().filter(|attr| is_allow_skip(attr)) {
            let (_, text) = arguments(attr);
            let (before, after) = self.entries.split_at(self.next.min(self.entries.len()));
            let found = after
                .iter()
                .position(|entry| entry.text == text)
                .map(|at| at + before.len())
                .or_else(|| before.iter().position(|entry| entry.text == text));
            if let Some(found) = found {
                self.open.push(found);
                self.next = found + 1;
            }
        }
        mark
    }

    /// Ends what an [`enter`](Self::enter) began.
    pub fn leave(&mut self, mark: Mark) {
        self.open.truncate(mark.0);
    }

    /// Whether the rule or warning of that name is allowed at the current place, innermost first;
    /// the allow that says so is then used.
    pub fn allows(&mut self, name: &str) -> bool {
        match self.find(name) {
            Some(found) => {
                self.mark(found);
                true
            }
            None => false,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Use> {
        self.open.iter().rev().find_map(|&entry| {
            let names = &self.entries[entry].names;
            let at = names.iter().position(|(allowed, _)| allowed.name == name)?;
            Some(Use(entry, at))
        })
    }

    pub(crate) fn mark(&mut self, Use(entry, name): Use) {
        self.entries[entry].names[name].1 = true;
    }

    /// Ready for the second walk: only the function's allows are open.
    pub(crate) fn rewound(mut self, of_function: usize) -> Self {
        self.open = (0..of_function).collect();
        self.next = of_function;
        self
    }

    /// The names that allowed nothing so far, in the order of the entries.
    #[must_use]
    pub fn unused(&self) -> Vec<Unused> {
        let names = self.entries.iter().flat_map(|entry| &entry.names);
        names
            .filter(|(_, used)| !used)
            .map(|(Allowed { name, rule, span }, _)| Unused { name, rule: *rule, span: *span })
            .collect()
    }
}

/// Whether this is an `#[allow_skip]`, whatever the path before the name.
#[must_use]
pub fn is_allow_skip(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "allow_skip")
}

fn arguments(attr: &Attribute) -> (TokenStream, String) {
    match &attr.meta {
        Meta::List(list) => (list.tokens.clone(), list.tokens.to_string()),
        // `#[allow_skip]` and `#[allow_skip = ..]` allow nothing and give no reason.
        Meta::Path(_) | Meta::NameValue(_) => (TokenStream::new(), String::new()),
    }
}

/// The attributes of a statement. syn hangs those of `#[a] x = y;` on the leftmost operand: this
/// looks for them there.
#[must_use]
pub fn statement_attrs(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(statement) => &statement.attrs,
        Stmt::Expr(expr, _) => expr_attrs(leftmost(expr)),
        // Items are not the body's.
        Stmt::Item(_) => &[],
    }
}

/// As [`statement_attrs`], to remove them. `None` where the statement can have none.
pub fn statement_attrs_mut(statement: &mut Stmt) -> Option<&mut Vec<Attribute>> {
    match statement {
        Stmt::Local(local) => Some(&mut local.attrs),
        Stmt::Macro(statement) => Some(&mut statement.attrs),
        Stmt::Expr(expr, _) => {
            let mut expr = expr;
            loop {
                expr = match expr {
                    Expr::Assign(assign) => &mut assign.left,
                    Expr::Binary(binary) => &mut binary.left,
                    Expr::Cast(cast) => &mut cast.expr,
                    found => return expr_attrs_mut(found),
                }
            }
        }
        Stmt::Item(_) => None,
    }
}

fn leftmost(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Assign(assign) => &assign.left,
            Expr::Binary(binary) => &binary.left,
            Expr::Cast(cast) => &cast.expr,
            found => return found,
        }
    }
}

macro_rules! attrs_of {
    ($expr:expr, $none:expr, $some:expr; $($Variant:ident)*) => {
        match $expr {
            $(Expr::$Variant(expr) => $some(&mut expr.attrs),)*
            _ => $none,
        }
    };
    (ref $expr:expr; $($Variant:ident)*) => {
        match $expr {
            $(Expr::$Variant(expr) => &expr.attrs,)*
            _ => &[],
        }
    };
}

/// The attributes of an expression.
pub(crate) fn expr_attrs(expr: &Expr) -> &[Attribute] {
    attrs_of!(ref expr;
        Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop
        Group If Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr
        Reference Repeat Return Struct Try TryBlock Tuple Unary Unsafe While Yield)
}

fn expr_attrs_mut(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
    attrs_of!(expr, None, Some;
        Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop
        Group If Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr
        Reference Repeat Return Struct Try TryBlock Tuple Unary Unsafe While Yield)
}
