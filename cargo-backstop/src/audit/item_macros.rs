//! What stands in a macro that is called where items are, as far as its syntax is known.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse as _, ParseStream, Parser as _};
use syn::{Attribute, Block, Expr, Ident, Item, ItemMacro, Token, Type, Visibility, braced};

/// A part of such a macro.
pub(super) enum Part {
    Item(Box<Item>),
    /// What is run, by whoever calls the macro.
    Body(Block),
    /// What a `static` begins with.
    Value(Box<Expr>),
    /// Neither: it can be searched for names alone.
    Words(TokenStream),
}

/// The parts of a macro.
pub(super) fn parts(item: &ItemMacro) -> Vec<Part> {
    let tokens = item.mac.tokens.clone();
    let name = item.mac.path.segments.last().map(|last| last.ident.to_string());
    let known = match name.as_deref() {
        Some("macro_rules") => return arms(tokens).into_iter().flat_map(of_body).collect(),
        Some("thread_local" | "lazy_static") => values.parse2(tokens.clone()).ok(),
        Some("cfg_if") => branches.parse2(tokens.clone()).ok(),
        _ => None,
    };
    known.or_else(|| items.parse2(tokens.clone()).ok()).unwrap_or_else(|| vec![Part::Words(tokens)])
}

/// What the arms of a `macro_rules!` expand to.
fn arms(tokens: TokenStream) -> Vec<TokenStream> {
    let mut bodies = Vec::new();
    let mut before = [None, None];
    for token in tokens {
        let arrow = before == [Some('='), Some('>')];
        if let (true, TokenTree::Group(group)) = (arrow, &token) {
            bodies.push(group.stream());
        }
        let punct = match &token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            _ => None,
        };
        before = [before[1], punct];
    }
    bodies
}

/// An arm's body may be items, statements, or neither before its variables have a value.
fn of_body(tokens: TokenStream) -> Vec<Part> {
    let plain = variables_as_names(tokens.clone());
    if let Ok(items) = items.parse2(plain.clone()) {
        return items;
    }
    let group = Group::new(Delimiter::Brace, plain);
    match syn::parse2::<Block>(TokenTree::Group(group).into()) {
        Ok(block) => vec![Part::Body(block)],
        Err(_) => vec![Part::Words(tokens)],
    }
}

/// `$code` as `code`, which is an expression, a pattern and a type. Repetitions stay as they are.
fn variables_as_names(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut plain = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct)
                if punct.as_char() == '$' && matches!(tokens.peek(), Some(TokenTree::Ident(_))) => {
            }
            TokenTree::Group(group) => {
                let inner = variables_as_names(group.stream());
                let mut copy = Group::new(group.delimiter(), inner);
                copy.set_span(group.span());
                plain.push(TokenTree::Group(copy));
            }
            token => plain.push(token),
        }
    }
    plain.into_iter().collect()
}

fn items(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !input.is_empty() {
        match input.parse()? {
            // What syn does not know, it hands on.
            Item::Verbatim(tokens) => parts.push(Part::Words(tokens)),
            item => parts.push(Part::Item(Box::new(item))),
        }
    }
    Ok(parts)
}

/// `static NAME: Type = value;`, also as `static ref`, and with `const { value }`.
fn values(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !input.is_empty() {
        Attribute::parse_outer(input)?;
        Visibility::parse(input)?;
        input.parse::<Token![static]>()?;
        input.parse::<Option<Token![ref]>>()?;
        input.parse::<Ident>()?;
        input.parse::<Token![:]>()?;
        input.parse::<Type>()?;
        input.parse::<Token![=]>()?;
        parts.push(Part::Value(input.parse()?));
        input.parse::<Option<Token![;]>>()?;
    }
    Ok(parts)
}

/// `if #[cfg(..)] { .. } else if #[cfg(..)] { .. } else { .. }`: all of them.
fn branches(input: ParseStream<'_>) -> syn::Result<Vec<Part>> {
    let mut parts = Vec::new();
    while !input.is_empty() {
        input.parse::<Option<Token![else]>>()?;
        if input.parse::<Option<Token![if]>>()?.is_some() {
            Attribute::parse_outer(input)?;
        }
        let content;
        braced!(content in input);
        parts.extend(items(&content)?);
    }
    Ok(parts)
}
