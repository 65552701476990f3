//! The default name of a cleanup: its expression as it was written.

use proc_macro2::extra::DelimSpan;
use syn::MacroDelimiter;

/// Longer names than this end in dots: they go into one line of a log.
const LONGEST: usize = 60;

/// Where the options stand beside the expression, and how many.
#[derive(Clone, Copy)]
pub(super) enum Options {
    Before(usize),
    Behind(usize),
}

/// The text of the expression between these delimiters; `None` where the compiler has no source.
pub(super) fn written(delimiter: &MacroDelimiter, options: Options) -> Option<String> {
    let span: &DelimSpan = delimiter.span();
    let text = span.join().source_text()?;
    let inner = text.get(1..text.len().checked_sub(1)?)?.trim().trim_end_matches(',');
    let commas = commas(inner);
    let expression = match options {
        Options::Before(count) if count > 0 => inner.get(commas.get(count - 1)? + 1..)?,
        Options::Behind(count) if count > 0 => {
            inner.get(..*commas.get(commas.len().checked_sub(count)?)?)?
        }
        _ => inner,
    };
    let line = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches(';');
    Some(match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}..", &line[..end]),
        None => line.to_owned(),
    })
}

/// The commas outside brackets and strings. Those between `<` and `>` are among them, but never
/// on the options' side of the expression.
fn commas(text: &str) -> Vec<usize> {
    let (mut depth, mut string, mut escaped) = (0_usize, false, false);
    let mut commas = Vec::new();
    for (index, char) in text.char_indices() {
        match char {
            '"' if !escaped => string = !string,
            '(' | '[' | '{' if !string => depth += 1,
            ')' | ']' | '}' if !string => depth = depth.saturating_sub(1),
            ',' if !string && depth == 0 => commas.push(index),
            _ => {}
        }
        escaped = char == '\\' && !escaped;
    }
    commas
}
