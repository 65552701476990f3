//! What was found, in words.

pub mod dot;
pub mod github;
pub mod html;
pub mod human;
pub mod json;
pub mod problem;
pub mod sarif;

use std::path::Path;

use crate::program::Unreadable;
use crate::source::Frame;
use crate::verdict::{How, Step};

/// Shortens a path of the debug information to what a reader knows it by.
#[must_use]
pub fn short_path(file: &str, root: Option<&Path>) -> String {
    if let Some(rest) = root.and_then(|root| Path::new(file).strip_prefix(root).ok()) {
        return rest.display().to_string();
    }
    // `/rustc/HASH/library/std/src/..`
    if let Some(rest) = file.strip_prefix("/rustc/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest).to_owned();
    }
    // `~/.cargo/registry/src/INDEX/NAME-VERSION/..`
    if let Some((_, rest)) = file.split_once("/registry/src/") {
        return rest.split_once('/').map_or(rest, |(_, rest)| rest).to_owned();
    }
    // What rustc was told is without symbolic links, and the root may be reached by one.
    let real = root.filter(|_| file.starts_with('/')).and_then(|root| root.canonicalize().ok());
    if let Some(rest) = real.and_then(|real| Path::new(file).strip_prefix(real).ok()) {
        return rest.display().to_string();
    }
    file.to_owned()
}

/// `file:line:column`, as far as it is known.
#[must_use]
pub fn place(frame: &Frame, root: Option<&Path>) -> Option<String> {
    let mut place = short_path(frame.file.as_deref()?, root);
    let known = |number: &u32| *number > 0;
    let Some(line) = frame.line.filter(known) else { return Some(place) };
    place = format!("{place}:{line}");
    let Some(column) = frame.column.filter(known) else { return Some(place) };
    Some(format!("{place}:{column}"))
}

/// What it means that parts of an object file cannot be read.
fn unreadable(parts: &[Unreadable]) -> String {
    let count = parts.len();
    let parts = if count == 1 { "1 part".to_owned() } else { format!("{count} parts") };
    format!(
        "{parts} of this file cannot be read: an annotated function there that is in no program is not told"
    )
}

/// One line of a path: who, what and where.
struct Line {
    text: String,
    place: Option<String>,
}

/// A step as lines: one for the function, and one for each that was inlined into it.
fn lines(step: &Step, root: Option<&Path>) -> Vec<Line> {
    let verb = match step.how {
        How::Calls => "calls",
        How::Takes => "takes the address of",
        How::Pointer => "calls through a pointer that may be",
    };
    let frames: Vec<&Frame> = step.frames.iter().rev().collect();
    if frames.is_empty() {
        let text = format!("`{}` {verb} `{}`", step.from, step.to);
        return vec![Line { text, place: None }];
    }
    // From the outside in: each frame calls the one inlined in it, the last one calls the target.
    let mut lines = Vec::with_capacity(frames.len());
    for (at, frame) in frames.iter().enumerate() {
        let from = match at {
            0 => step.from.clone(),
            _ => frame.function.clone().unwrap_or_else(|| "an inlined function".to_owned()),
        };
        let text = match frames.get(at + 1) {
            Some(inner) => {
                let inner = inner.function.as_deref().unwrap_or("an inlined function");
                format!("`{from}` calls `{inner}` (inlined)")
            }
            None => format!("`{from}` {verb} `{}`", step.to),
        };
        lines.push(Line { text, place: place(frame, root) });
    }
    lines
}
