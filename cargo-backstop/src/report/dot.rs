//! The ways to sinks as a graph for Graphviz.

use std::collections::BTreeSet;
use std::io::Write as _;

use crate::verdict::How;
use crate::verify::Outcome;

/// Prints the graph.
pub fn print(outcome: &Outcome) {
    let written = std::io::stdout().lock().write_all(graph(outcome).as_bytes());
    // A reader that went away has read enough.
    drop(written);
}

fn graph(outcome: &Outcome) -> String {
    let mut nodes = BTreeSet::new();
    let mut edges = BTreeSet::new();
    for finding in outcome.programs.iter().flat_map(|program| &program.findings) {
        for path in &finding.paths {
            if let Some(first) = path.steps.first() {
                nodes.insert(format!("  {} [shape=box, style=bold];", quoted(&first.from)));
            }
            nodes.insert(format!("  {} [shape=octagon, color=red];", quoted(&path.sink_name)));
            for step in &path.steps {
                let style = match step.how {
                    How::Calls => "solid",
                    How::Takes => "dashed",
                    How::Pointer => "dotted",
                };
                edges.insert(format!(
                    "  {} -> {} [style={style}];",
                    quoted(&step.from),
                    quoted(&step.to)
                ));
            }
        }
    }
    let mut text =
        "digraph backstop {\n  rankdir=LR;\n  node [fontname=\"monospace\"];\n".to_owned();
    for line in nodes.iter().chain(&edges) {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("}\n");
    text
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
