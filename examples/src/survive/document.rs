//! `docs/guarantees.md`: how it is written, and what it says of a cell.

use std::fmt::Write as _;

use super::table::Table;
use super::{Column, ROWS, Row, Status, Verdict};

const DOCUMENT: &str = include_str!("../../../docs/guarantees.md");

/// How the document is made again.
const COMMAND: &str = "BLESS=1 cargo test -p backstop-examples --test guarantees";

/// What `docs/guarantees.md` says of a cell; `None` where it says nothing.
#[must_use]
pub(super) fn documented(row: &Row, table: Table, column: Column) -> Option<&'static str> {
    cell_of(DOCUMENT, row.title, table, column)
}

fn cell_of<'d>(document: &'d str, title: &str, table: Table, column: Column) -> Option<&'d str> {
    // Some of the rows are in several tables.
    let (_, behind) = document.split_once(&heads(table))?;
    let mut lines = behind.split("\n\n").next()?.lines();
    let line =
        lines.find_map(|line| line.strip_prefix("| ")?.strip_prefix(title)?.strip_prefix(" | "))?;
    // Behind the status come the columns.
    let position = table.columns().iter().position(|known| *known == column)?;
    line.trim_end_matches(" |").split(" | ").nth(1 + position)
}

/// The first line of a table.
fn heads(table: Table) -> String {
    let second = if table == Table::Outcomes { "left by" } else { "ends by" };
    let columns = table.columns().iter().map(|column| format!(" {} |", column.title()));
    format!("| way to end | {second} |{}\n", columns.collect::<String>())
}

fn table_of(table: Table, verdict: &impl Fn(&Row, Column) -> Verdict) -> String {
    let mut text = heads(table) + "|---|---|" + &"---|".repeat(table.columns().len()) + "\n";
    for row in ROWS.iter().filter(|row| row.tables.contains(&table)) {
        let second =
            if table == Table::Outcomes { row.outcome.to_owned() } else { statuses(row, table) };
        let _ = write!(text, "| {} | {second} |", row.title);
        for column in table.columns() {
            let cell = match verdict(row, *column) {
                Verdict::NotRun(_) => documented(row, table, *column).unwrap_or("?").to_owned(),
                run => run.cell(),
            };
            let _ = write!(text, " {cell} |");
        }
        text.push('\n');
    }
    text
}

/// What the columns of a table are.
fn legend(table: Table) -> String {
    let columns = table.columns().iter().map(|column| {
        let (title, about, main) = (column.title(), column.about(), column.main());
        format!("| {title} | {about} | {main} |\n")
    });
    format!("| column | the cleanup | `main` |\n|---|---|---|\n{}", columns.collect::<String>())
}

/// The document that says this of each cell.
///
/// A cell that was not run is as it was documented before.
#[must_use]
pub(super) fn markdown(verdict: impl Fn(&Row, Column) -> Verdict) -> String {
    let mut details = String::new();
    for row in ROWS {
        let Row { name, title, about, note, .. } = row;
        let note = if note.is_empty() { String::new() } else { format!(" *{note}*") };
        let _ = writeln!(details, "* **{title}** (`{name}`). {about}{note}");
    }
    let [rungs, tasks, outcomes] = Table::ALL.map(|table| table_of(table, &verdict));
    let [about_rungs, about_tasks, about_outcomes] = Table::ALL.map(legend);
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

{rungs}
| sign | the directory |
|---|---|
| ✓ | was removed by the process itself |
| ◆ reaper | was removed by the reaper, after the process had ended |
| ↻ restart | was removed by the next start of the program, from its journal |
| ✗ left | is still there, also after the next start |
| – refused | never was: the compiler refuses the program |

{about_rungs}
The grace period of `main` is 200 ms, if a row does not say otherwise.

## Where the cleanup is `async`, too

A destructor runs where a future is dropped, and so do all that are in the table above. A destructor
cannot await. Here the cleanup has to, as for a goodbye to a peer: it waits, and then removes the
directory.

{tasks}
{about_tasks}
`main` makes a tokio runtime with one worker thread, and drops it when it returns.

## What a cleanup is told

In the same rows, as what cleanups take the end of their function, which is the one of them that runs. With
✗, the function was left otherwise.

{outcomes}
{about_outcomes}
scopeguard asks whether the thread panics, and takes for a success what is left without.

## What it shows, and what not

* A guard runs where its thread returns or unwinds. Whatever else ends the process runs no guard.
* The exit hook runs where the process ends by its own doing, by a signal that asks it to, or by SIGABRT.
  `_exit`, `exec`, SIGSEGV and SIGKILL pass it by.
* The reaper answers those, as long as it lives. What kills it together with the process, as the end of a
  container or of a control group does, leaves the resource until the next start reads the journal.
* Code behind an `.await` is skipped by whatever drops the future, and a task that a destructor spawns by
  whatever ends the runtime. An `async` cleanup of backstop's goes on without the future and its runtime,
  but not without the process: where that ends without dropping the future, nobody runs it.
  `#[backstop::main]` drops all futures where a signal asks the program to end; `process::exit` drops
  none. What must outlive more needs a rung, and so an `Action`.
* A power cut is no row: a test cannot cut the power. The three rows whose last cell is ↻ lose every
  process at once, and show that the journal is enough then. `.ci/power-cut` loses the kernel as well, and what
  it and the disk had not written, of a virtual machine: by a power cut, a reset, a panic of the kernel. At
  `reboot` nothing is left after the next start, and at `kill` everything is
  ([tests/power-cut](../tests/power-cut/README.md)).

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
fn statuses(row: &Row, table: Table) -> String {
    let mut text = String::new();
    let mut last: Option<Status> = None;
    for column in table.columns() {
        let status = row.status(*column);
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

    /// Each row in each of its tables, with each column.
    fn cells() -> impl Iterator<Item = (&'static Row, Table, Column)> {
        ROWS.iter().flat_map(|row| {
            row.tables.iter().flat_map(move |table| {
                table.columns().iter().map(move |column| (row, *table, *column))
            })
        })
    }

    #[test]
    fn a_cell_is_read_back_as_it_was_written() {
        let of = |row: &Row, column: Column| match (row.name.len() + column as usize) % 4 {
            0 => Verdict::Cleaned(By::Process),
            1 => Verdict::Cleaned(By::Reaper),
            2 => Verdict::Told { outcome: "cancel", is_true: true },
            _ => Verdict::Left(vec!["scratch-1/".to_owned()]),
        };
        let document = markdown(of);
        for (row, table, column) in cells() {
            let cell = of(row, column).cell();
            let read = cell_of(&document, row.title, table, column);
            assert_eq!(read, Some(&*cell), "{} in {table:?}", row.name);
        }
        assert_eq!(cell_of(&document, "no such way", Table::Rungs, Column::Drop), None);
        assert_eq!(cell_of(&document, "normal return", Table::Tasks, Column::Async), None);
    }

    #[test]
    fn a_cell_that_was_not_run_is_kept() {
        let document = markdown(|_, _| Verdict::NotRun("not allowed".to_owned()));
        for (row, table, column) in cells() {
            let kept = documented(row, table, column).unwrap_or("?");
            assert_eq!(cell_of(&document, row.title, table, column), Some(kept), "{}", row.name);
        }
    }
}
