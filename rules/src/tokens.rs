//! The search by token sequence, where the syntax is unknown.

use crate::catalogue::{Kind, Shows};
use crate::matching::Site;
use crate::paths;
use crate::receivers::{made, shows};
use crate::visitor::Visitor;
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprPath, Path, Token};

impl Visitor<'_> {
    /// Looks for paths, method calls and macros among tokens, in groups as well.
    pub(crate) fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // What the tokens since the last separator make: `Command::new("ls").exec()`.
        let mut kind: Option<Kind> = None;
        let mut at = 0;
        while at < tokens.len() {
            match &tokens[at] {
                TokenTree::Group(group) => {
                    // Attributes call nothing.
                    if at == 0 || !is_punct(&tokens[at - 1], '#') {
                        self.tokens(group.stream());
                    }
                    at += 1;
                }
                TokenTree::Punct(punct) => {
                    if matches!(punct.as_char(), ';' | ',') {
                        kind = None;
                    }
                    at += 1;
                }
                TokenTree::Literal(_) => at += 1,
                // A lifetime or a label.
                TokenTree::Ident(_) if at > 0 && is_punct(&tokens[at - 1], '\'') => at += 1,
                TokenTree::Ident(ident) => {
                    at = match skipped(&tokens, at, ident) {
                        Some(after) => after,
                        None if is_method(&tokens, at) => self.method_at(&tokens, at, ident, kind),
                        None => self.path_at(&tokens, at, &mut kind),
                    };
                }
            }
        }
    }

    fn method_at(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        name: &Ident,
        kind: Option<Kind>,
    ) -> usize {
        let after = after_turbofish(tokens, at + 1);
        if let Some(TokenTree::Group(group)) = tokens.get(after) {
            if group.delimiter() == Delimiter::Parenthesis {
                let count = count_arguments(group.stream());
                self.method_tokens(name, count, kind);
            }
        }
        after
    }

    /// A run of names joined by `::`, which starts at `at`; returns what comes after it.
    fn path_at(&mut self, tokens: &[TokenTree], start: usize, kind: &mut Option<Kind>) -> usize {
        let mut names = Vec::new();
        let mut at = start;
        while let Some(TokenTree::Ident(ident)) = tokens.get(at) {
            names.push(ident.clone());
            at = after_turbofish(tokens, at + 1);
            if !is_colons(tokens, at) {
                break;
            }
            at += 2;
        }
        let absolute = start >= 2 && is_colons(tokens, start - 2) && !closes_type(tokens, start);
        let (Some(first), Some(last)) = (names.first(), names.last()) else { return start + 1 };

        if let (Some(TokenTree::Punct(punct)), Some(TokenTree::Group(group))) =
            (tokens.get(at), tokens.get(at + 1))
        {
            if punct.as_char() == '!' {
                self.macro_call(&path_of(&names), group.stream());
                return at + 2;
            }
        }
        let arguments = match tokens.get(at) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
                Some(group.stream())
            }
            _ => None,
        };
        let site = || {
            let spelled: Vec<_> = names.iter().map(ToString::to_string).collect();
            let root = if absolute { "::" } else { "" };
            let written = format!("{root}{}", spelled.join("::"));
            let as_value = arguments.is_none();
            Site { written, via: None, as_value, ends: (first.span(), last.span()) }
        };
        let plain: Vec<_> = names.iter().map(paths::name).collect();
        // `name = ..`, `name: ..` and `name => ..` are keys and patterns of the macro's own.
        let is_key = plain.len() == 1
            && tokens.get(at).is_some_and(|next| {
                is_punct(next, ':')
                    || is_punct(next, '=') && !tokens.get(at + 1).is_some_and(|n| is_punct(n, '='))
            });
        if is_key {
            return at;
        }
        if plain.len() > 1 && paths::ends_a_row(&plain[plain.len() - 1]) {
            let resolved = self.scope.resolve(&plain, absolute);
            *kind = made(&resolved).or(*kind);
        }
        let turbofish = &tokens[start..at];
        self.names(&plain, absolute, site, |show| {
            call_shows(show, &names, turbofish, arguments.clone())
        });
        at
    }
}

fn call_shows(
    show: Shows,
    names: &[Ident],
    path: &[TokenTree],
    arguments: Option<TokenStream>,
) -> bool {
    let parse = Punctuated::<Expr, Token![,]>::parse_terminated;
    let arguments = arguments.and_then(|tokens| parse.parse2(tokens).ok()).unwrap_or_default();
    let written: TokenStream = path.iter().cloned().collect();
    let path = syn::parse2::<ExprPath>(written).unwrap_or_else(|_| ExprPath {
        attrs: Vec::new(),
        qself: None,
        path: path_of(names),
    });
    shows(show, &path, arguments.iter())
}

fn path_of(names: &[Ident]) -> Path {
    let segments = names.iter().cloned().map(syn::PathSegment::from).collect();
    Path { leading_colon: None, segments }
}

/// Where to go on after an item or an import that starts at `at`: neither is the body's.
fn skipped(tokens: &[TokenTree], at: usize, ident: &Ident) -> Option<usize> {
    let starts = at == 0
        || matches!(&tokens[at - 1], TokenTree::Punct(punct) if punct.as_char() == ';')
        || matches!(&tokens[at - 1], TokenTree::Group(group) if group.delimiter() != Delimiter::Parenthesis);
    let names_next = matches!(tokens.get(at + 1), Some(TokenTree::Ident(_)));
    let until = |stop: fn(&TokenTree) -> bool| {
        let rest = tokens[at..].iter().position(stop).map_or(tokens.len(), |found| at + found + 1);
        Some(rest)
    };
    let is_body = |token: &TokenTree| {
        is_punct(token, ';')
            || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
    };
    if ident == "use" && starts {
        until(|token| is_punct(token, ';'))
    } else if ident == "fn" && names_next
        || ["mod", "trait", "struct", "enum"].iter().any(|word| ident == word)
            && names_next
            && starts
        || ident == "impl" && starts
    {
        until(is_body)
    } else {
        None
    }
}

fn is_punct(token: &TokenTree, char: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == char)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| tokens.get(at).is_some_and(|token| is_punct(token, ':'));
    colon(at) && colon(at + 1)
}

/// Whether the name at `at` is a method: `. name (`, but not `.. name`.
fn is_method(tokens: &[TokenTree], at: usize) -> bool {
    at > 0 && is_punct(&tokens[at - 1], '.') && !(at > 1 && is_punct(&tokens[at - 2], '.'))
}

/// Whether `>` closes before the `::` in front of `at`: `<T>::name` is not absolute.
fn closes_type(tokens: &[TokenTree], at: usize) -> bool {
    at >= 3 && is_punct(&tokens[at - 3], '>')
}

/// Past `::<..>`, if that is what comes next.
fn after_turbofish(tokens: &[TokenTree], at: usize) -> usize {
    if !is_colons(tokens, at) || !tokens.get(at + 2).is_some_and(|token| is_punct(token, '<')) {
        return at;
    }
    let mut depth = 0;
    for (offset, token) in tokens[at + 2..].iter().enumerate() {
        // `->` inside closes nothing.
        let arrow = offset > 0 && is_punct(&tokens[at + 1 + offset], '-');
        if is_punct(token, '<') {
            depth += 1;
        } else if is_punct(token, '>') && !arrow {
            depth -= 1;
        }
        if depth == 0 {
            return at + 3 + offset;
        }
    }
    at
}

/// How many arguments stand between the parentheses, commas in generics not told apart.
fn count_arguments(tokens: TokenStream) -> usize {
    let mut count = 0;
    let mut open = false;
    for token in tokens {
        if is_punct(&token, ',') {
            open = false;
        } else if !open {
            open = true;
            count += 1;
        }
    }
    count
}
