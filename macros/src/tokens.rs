//! Items as tokens, where syn cannot read them.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Removes the helper attributes, which rustc does not know.
// Input:  fn f() { #[cleanup(x)] let a = 1; }
// Output: fn f() { let a = 1; }
pub(crate) fn without_helpers(tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if is_helper(&group) && follows_hash(&kept) => {
                kept.pop();
            }
            TokenTree::Group(group) => kept.push(with_stream(&group, without_helpers)),
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

/// Takes blocks out of the invisible groups that `macro_rules!` leaves around them.
pub(crate) fn without_groups(tokens: TokenStream) -> TokenStream {
    let mut kept = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::None && is_block(&group) => {
                kept.extend(without_groups(group.stream()));
            }
            TokenTree::Group(group) => kept.extend([with_stream(&group, without_groups)]),
            other => kept.extend([other]),
        }
    }
    kept
}

fn with_stream(group: &Group, change: impl FnOnce(TokenStream) -> TokenStream) -> TokenTree {
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    changed.into()
}

fn is_helper(group: &Group) -> bool {
    let is_name = |token: TokenTree| matches!(token, TokenTree::Ident(name) if name == "cleanup" || name == "allow_skip");
    group.delimiter() == Delimiter::Bracket
        && group.stream().into_iter().next().is_some_and(is_name)
}

fn follows_hash(before: &[TokenTree]) -> bool {
    matches!(before.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#')
}

fn is_block(group: &Group) -> bool {
    let mut tokens = group.stream().into_iter();
    matches!(tokens.next(), Some(TokenTree::Group(inner)) if inner.delimiter() == Delimiter::Brace)
        && tokens.next().is_none()
}
