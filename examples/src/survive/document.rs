//! `docs/guarantees.md`: how it is written, and what it says of a cell.

use std::fmt::Write as _;

use super::{Column, ROWS, Row, Status, Verdict};

const DOCUMENT: &str = include_str!("../../../docs/guarantees.md");

/// How the document is made again.
const COMMAND: &str = "BLESS=1 cargo test -p backstop-examples --test guarantees";

/// What `docs/guarantees.md` says of a cell; `None` where it says nothing.
#[must_use]
pub(super) fn documented(row: &Row, column: Column) -> Option<&'static str> {
    cell_of(DOCUMENT, row.title, column)
}

fn cell_of<'d>(document: &'d str, title: &str, column: Column) -> Option<&'d str> {
    let mut lines = document.lines();
    let line =
        lines.find_map(|line| line.strip_prefix("| ")?.strip_prefix(title)?.strip_prefix(" | "))?;
    // Behind the status come the columns.
    line.trim_end_matches(" |").split(" | ").nth(1 + column as usize)
}

/// The document that says this of each cell.
///
/// A cell that was not run is as it was documented before.
#[must_use]
pub(super) fn markdown(verdict: impl Fn(usize, Column) -> Verdict) -> String {
    let mut table = String::new();
    for (number, row) in ROWS.iter().enumerate() {
        let _ = write!(table, "| {} | {} |", row.title, statuses(row));
        for column in Column::ALL {
            let cell = match verdict(number, column) {
                Verdict::NotRun(_) => documented(row, column).unwrap_or("?").to_owned(),
                run => run.cell(),
            };
            let _ = write!(table, " {cell} |");
        }
        table.push('\n');
    }
    let mut details = String::new();
    for row in ROWS {
        let Row { name, title, about, note, .. } = row;
        let note = if note.is_empty() { String::new() } else { format!(" *{note}*") };
        let _ = writeln!(details, "* **{title}** (`{name}`). {about}{note}");
    }
    let heads = Column::ALL.map(|column| format!(" {} |", column.title())).concat();
    let rule = "---|".repeat(Column::ALL.len());
    let columns = Column::ALL
        .map(|column| {
            let (title, about, main) = (column.title(), column.about(), column.main());
            format!("| {title} | {about} | {main} |\n")
        })
        .concat();
    format!(
        "<!-- Made by `{COMMAND}` from processes that really ended so. Do not edit. -->

# Guarantees

What is left of a scratch directory when a process ends, by the way it ends and the kind of cleanup.
Each cell is a real process, which made the directory and a file in it, said that it was ready, and really
ended that way; its exit status was compared with the one in the second column, and then somebody else
looked for the directory. Where it was left, the program was started once more, and that somebody looked
again.

```sh
cargo run --example survive           # the whole matrix, in colour
cargo run --example survive sigterm   # one row, with all that its processes said
```

| way to end | ends by |{heads}
|---|---|{rule}
{table}
| sign | the directory |
|---|---|
| ✓ | was removed by the process itself |
| ◆ reaper | was removed by the reaper, after the process had ended |
| ↻ restart | was removed by the next start of the program, from its journal |
| ✗ left | is still there, also after the next start |
| – refused | never was: the compiler refuses the program |

| column | the cleanup | `main` |
|---|---|---|
{columns}
The grace period of `main` is 200 ms, if a row does not say otherwise.

## What it shows, and what not

* A guard runs where its thread returns or unwinds. Whatever else ends the process runs no guard.
* The exit hook runs where the process ends by its own doing, by a signal that asks it to, or by SIGABRT.
  `_exit`, `exec`, SIGSEGV and SIGKILL pass it by.
* The reaper answers those, as long as it lives. What kills it together with the process, as the end of a
  container or of a control group does, leaves the resource until the next start reads the journal.
* A power cut is no row: a test cannot cut the power. The three rows whose last cell is ↻ lose every
  process at once, and show that the journal is enough then. That it is on the disk, too, when the
  kernel is lost is up to its synchronous writes, which no cell shows.

## The rows

{details}
## How this page is made

```sh
{COMMAND}
```

runs the example and writes this page; without `BLESS=1` the test fails where the page says anything else
than the processes do. Where a machine does not let a row run, the test says so on stderr and
keeps the cells of that row. The example itself compares each cell with this page, and exits with 1 where
one differs.
"
    )
}

/// How the process ends, and from which column on otherwise.
fn statuses(row: &Row) -> String {
    let mut text = String::new();
    let mut last: Option<Status> = None;
    for column in Column::ALL {
        let status = row.status(column);
        if last.replace(status) == Some(status) {
            continue;
        }
        let _ = if text.is_empty() {
            write!(text, "{status}")
        } else {
            write!(text, "; {status} from `{}` on", column.name())
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survive::By;

    #[test]
    fn a_cell_is_read_back_as_it_was_written() {
        let of = |number: usize, column: Column| match (number + column as usize) % 3 {
            0 => Verdict::Cleaned(By::Process),
            1 => Verdict::Cleaned(By::Reaper),
            _ => Verdict::Left(vec!["scratch-1/".to_owned()]),
        };
        let document = markdown(of);
        for (number, row) in ROWS.iter().enumerate() {
            for column in Column::ALL {
                let cell = of(number, column).cell();
                assert_eq!(cell_of(&document, row.title, column), Some(&*cell), "{}", row.name);
            }
        }
        assert_eq!(cell_of(&document, "no such way", Column::Drop), None);
    }

    #[test]
    fn a_cell_that_was_not_run_is_kept() {
        let document = markdown(|_, _| Verdict::NotRun("not allowed".to_owned()));
        for row in ROWS {
            for column in Column::ALL {
                let kept = documented(row, column).unwrap_or("?");
                assert_eq!(cell_of(&document, row.title, column), Some(kept), "{}", row.name);
            }
        }
    }
}
