//! What well-known macros do with their arguments and with the control flow around them.

use syn::Path;

/// What is known of a macro by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MacroKind {
    /// Never returns: it panics. Its arguments are comma-separated expressions.
    Diverges,
    /// Comma-separated expressions, and no hidden way out of the function.
    Arguments,
    /// As `Arguments`, but it prints the text of an argument, which therefore must stay as it is.
    Stringifies,
    /// A syntax of its own (`vec![x; n]`, `matches!`, `select!`, `cfg_if!`), and no way out of the
    /// function but those that its arguments spell out.
    Known,
    /// Contains a hidden `return`: `bail!`, `ensure!`.
    Exits,
    /// Nothing is known.
    Unknown,
}

/// What is known of the macro at that path, going by the last segment: `tracing::info!` and
/// `info!` are the same.
#[must_use]
pub fn macro_kind(path: &Path) -> MacroKind {
    path.segments
        .last()
        .map_or(MacroKind::Unknown, |last| kind_of(&crate::paths::name(&last.ident)))
}

pub(crate) fn kind_of(name: &str) -> MacroKind {
    match name {
        "panic" | "todo" | "unimplemented" | "unreachable" => MacroKind::Diverges,

        // Formatting and printing.
        "format" | "format_args" | "print" | "println" | "eprint" | "eprintln" | "write"
        | "writeln" | "concat"
        // Assertions that print values, not text.
        | "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne"
        // log and tracing.
        | "trace" | "debug" | "info" | "warn" | "error" | "log" | "event" | "span"
        | "trace_span" | "debug_span" | "info_span" | "warn_span" | "error_span"
        // Errors that are made and not returned.
        | "anyhow" | "eyre" | "format_err"
        // Futures.
        | "join" | "try_join" | "pin"
        // std.
        | "addr_of" | "addr_of_mut" | "env" | "option_env" | "include_str" | "include_bytes"
        | "include" | "line" | "column" | "file" | "module_path" | "is_x86_feature_detected"
        => MacroKind::Arguments,

        "assert" | "debug_assert" | "dbg" | "assert_matches" | "debug_assert_matches"
        | "stringify" => MacroKind::Stringifies,

        "vec" | "matches" | "select" | "select_biased" | "cfg_if" | "cfg_select" | "cfg"
        | "thread_local" | "smallvec" | "arrayvec" | "json" | "offset_of"
        | "hashmap" | "btreemap" | "defer" => MacroKind::Known,

        "bail" | "ensure" | "ensure_eq" | "ensure_ne" | "whatever" | "ensure_whatever"
        | "ready" | "pending" | "try" | "return_if" | "try_opt" => MacroKind::Exits,

        _ => MacroKind::Unknown,
    }
}
