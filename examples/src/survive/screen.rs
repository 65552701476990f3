//! The matrix as it is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Format;
use super::table::{Line, Table};
use super::{By, Column, Ran, Row, Verdict, documented, markdown};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const BLUE: Style = AnsiColor::BrightBlue.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const ALARM: Style =
    AnsiColor::White.on_default().bg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();

/// How many cells that differ are told one by one.
const DIFFERENCES: usize = 20;

/// The width of the titles.
pub(super) const TITLE: usize = 36;

/// The width of a cell.
fn width(column: Column) -> usize {
    10.max(column.name().len() + 2)
}

/// Shows the cells as they come, line after line.
pub(super) struct Screen {
    lines: Vec<Line>,
    format: Format,
    /// The cells of each line.
    ran: Vec<Vec<Option<Ran>>>,
    /// How many lines have been printed.
    printed: usize,
    bar: ProgressBar,
}

impl Screen {
    pub(super) fn new(lines: Vec<Line>, format: Format) -> Self {
        let empty = |line: &Line| line.table.columns().iter().map(|_| None).collect();
        let ran: Vec<Vec<Option<Ran>>> = lines.iter().map(empty).collect();
        let cells: usize = ran.iter().map(Vec::len).sum();
        // Draws nothing where stderr is no terminal.
        let bar = ProgressBar::new(cells as u64).with_style(style());
        let screen = Self { lines, format, ran, printed: 0, bar };
        screen.print_what_is_before();
        screen
    }

    /// Takes a cell, and prints what is complete with it.
    pub(super) fn take(&mut self, line: usize, position: usize, ran: Ran) {
        self.bar.inc(1);
        self.ran[line][position] = Some(ran);
        while let Some(Line { table, row }) = self.lines.get(self.printed).copied() {
            let Some(cells) = self.cells(self.printed) else { break };
            let is_new = self.printed == 0 || self.lines[self.printed - 1].row.name != row.name;
            self.bar.suspend(|| match self.format {
                Format::Matrix => print_row(row, table, &cells),
                Format::Details => print_details(row, table, &cells, is_new),
                Format::Document => {}
            });
            self.printed += 1;
            self.print_what_is_before();
        }
        // The one that is waited for.
        let next = self.lines.get(self.printed);
        self.bar.set_message(next.map_or_else(String::new, |line| line.row.plain_title()));
    }

    /// Prints what stands between two tables, if the next line is the first of one.
    fn print_what_is_before(&self) {
        let before = self.printed.checked_sub(1).map(|line| self.lines[line].table);
        let next = self.lines.get(self.printed).map(|line| line.table);
        if self.format != Format::Matrix || before == next {
            return;
        }
        self.bar.suspend(|| {
            if let Some(table) = before {
                self.print_totals(table);
            }
            if let Some(table) = next {
                print_heads(table);
            }
        });
    }

    /// The cells of a line, if all have been run.
    fn cells(&self, line: usize) -> Option<Vec<&Ran>> {
        self.ran[line].iter().map(Option::as_ref).collect()
    }

    /// Every cell that has been run.
    fn all(&self) -> impl Iterator<Item = (Line, Column, &Ran)> {
        self.lines.iter().zip(&self.ran).flat_map(|(line, cells)| {
            let cells = line.table.columns().iter().zip(cells);
            cells.filter_map(|(column, ran)| Some((*line, *column, ran.as_ref()?)))
        })
    }

    /// Prints the rest; true if each cell is as documented, or cannot be run here.
    pub(super) fn finish(self, took: Duration) -> bool {
        self.bar.finish_and_clear();
        if self.format == Format::Document {
            let verdict = |row: &Row, column: Column| {
                let mut cells = self.all().filter(|(line, ..)| line.row.name == row.name);
                cells.find(|(_, of, _)| *of == column).map_or_else(
                    || Verdict::NotRun("it was not asked for".to_owned()),
                    |(_, _, ran)| ran.verdict.clone(),
                )
            };
            anstream::print!("{}", markdown(verdict));
        }
        if self.format == Format::Matrix {
            self.print_what_was_left();
            print_legend();
        }
        self.judge(took)
    }

    /// Says how many cells are as documented, and which are not.
    fn judge(&self, took: Duration) -> bool {
        let mut documented = 0;
        let mut not_run: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut differing = Vec::new();
        for (Line { table, row }, column, ran) in self.all() {
            match (&ran.verdict, compare(row, table, column, ran)) {
                (Verdict::NotRun(reason), _) => {
                    *not_run.entry((row.name, reason)).or_default() += 1;
                }
                (_, None) => documented += 1,
                (_, Some(difference)) => {
                    differing.push(format!("{} × {}: {difference}", row.name, column.name()));
                }
            }
        }
        // Not on stdout, where they would be a part of the document.
        for ((row, reason), cells) in &not_run {
            eprintln!("{YELLOW}not run here{YELLOW:#}  {row}, {cells} cells: {reason}");
        }
        for difference in differing.iter().take(DIFFERENCES) {
            eprintln!("{RED}differs{RED:#}  {difference}");
        }
        if let Some(more @ 1..) = differing.len().checked_sub(DIFFERENCES) {
            eprintln!("{RED}differs{RED:#}  and {more} more");
        }
        let style = if differing.is_empty() { GREEN } else { RED };
        let (count, seconds) = (self.all().count(), took.as_secs_f64());
        let not_run: usize = not_run.values().sum();
        let besides =
            if not_run == 0 { String::new() } else { format!(", {not_run} not run here") };
        eprintln!(
            "{style}{documented} of {count} cells as docs/guarantees.md says{style:#}{besides}, in \
             {seconds:.1} s"
        );
        differing.is_empty()
    }

    fn print_totals(&self, table: Table) {
        let mut line = format!(" {DIM}{:<TITLE$}{DIM:#}", table.total());
        for column in table.columns() {
            let cells = self.all().filter(|(line, of, _)| line.table == table && of == column);
            let bad = cells.filter(|(_, _, ran)| ran.verdict.symbol() == '✗').count();
            let style = if bad == 0 { GREEN } else { RED };
            let space = " ".repeat(width(*column).saturating_sub(bad.to_string().len()));
            let _ = write!(line, "{style}{BOLD}{bad}{BOLD:#}{style:#}{space}");
        }
        println!("{}\n{}\n", rule(table), line.trim_end());
    }

    fn print_what_was_left(&self) {
        let mut names: Vec<&String> = self
            .all()
            .filter_map(|(_, _, ran)| match &ran.verdict {
                Verdict::Left(names) => Some(names),
                _ => None,
            })
            .flatten()
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
        println!(
            " Left behind: {count} files and directories, {}; removed now.",
            names.join(" and ")
        );
    }
}

/// In what way a cell is not as documented.
fn compare(row: &Row, table: Table, column: Column, ran: &Ran) -> Option<String> {
    let is = ran.verdict.cell();
    match (&ran.verdict, documented(row, table, column)) {
        (Verdict::Wrong(reason), _) => Some(reason.clone()),
        (_, Some(said)) if said == is => None,
        (_, Some(said)) => Some(format!("`{is}`, and documented is `{said}`")),
        (_, None) => Some(format!("`{is}`, and nothing is documented")),
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(" {bar:37} {pos} of {len} cells  {wide_msg}")
        .map_or_else(|_| ProgressStyle::default_bar(), |style| style.progress_chars("━╸ "))
}

fn rule(table: Table) -> String {
    let width = TITLE + table.columns().iter().copied().map(width).sum::<usize>();
    format!(" {DIM}{}{DIM:#}", "─".repeat(width))
}

fn print_heads(table: Table) {
    let mut line = format!(" {BOLD}{:<TITLE$}", table.head());
    for column in table.columns() {
        let _ = write!(line, "{:<1$}", column.name(), width(*column));
    }
    println!("{}{BOLD:#}\n{}", line.trim_end(), rule(table));
}

fn print_row(row: &Row, table: Table, cells: &[&Ran]) {
    let mut line = format!(" {:<TITLE$}", row.plain_title());
    for (column, ran) in table.columns().iter().zip(cells) {
        let style = match compare(row, table, *column, ran) {
            Some(_) if !matches!(ran.verdict, Verdict::NotRun(_)) => ALARM,
            _ => style_of(&ran.verdict),
        };
        let cell = ran.verdict.cell();
        let space = " ".repeat(width(*column).saturating_sub(cell.chars().count()));
        let _ = write!(line, "{style}{cell}{style:#}{space}");
    }
    println!("{}", line.trim_end());
}

fn style_of(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Cleaned(By::Process) | Verdict::Told { is_true: true, .. } => GREEN,
        Verdict::Cleaned(By::Reaper) => CYAN,
        Verdict::Cleaned(By::NextStart) => BLUE,
        Verdict::Left(_) | Verdict::Told { is_true: false, .. } => RED,
        Verdict::Refused => DIM,
        Verdict::NotRun(_) => YELLOW,
        Verdict::Wrong(_) => ALARM,
    }
}

fn print_legend() {
    let meanings = [
        (Verdict::Cleaned(By::Process), "removed by the process"),
        (Verdict::Cleaned(By::Reaper), "by the reaper"),
        (Verdict::Cleaned(By::NextStart), "at the next start"),
        (Verdict::Left(Vec::new()), "left behind"),
        (Verdict::Refused, "does not compile"),
    ];
    let meanings = meanings.map(|(verdict, meaning)| {
        let style = style_of(&verdict);
        format!("{style}{}{style:#} {meaning}", verdict.symbol())
    });
    println!(" {}\n", meanings.join("  "));
}

/// One row of a table, explained where that has not been done for the table before.
fn print_details(row: &Row, table: Table, cells: &[&Ran], is_new: bool) {
    if is_new {
        println!("{BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}", row.plain_title(), row.name);
        for line in wrapped(row.about, 96).iter().chain(&wrapped(row.note, 96)) {
            println!("  {line}");
        }
        println!();
    }
    for (column, ran) in table.columns().iter().zip(cells) {
        let Ran { verdict, status, said, stderr, took } = ran;
        let (style, cell, name) = (style_of(verdict), verdict.cell(), column.name());
        let status = status.map_or_else(String::new, |status| status.to_string());
        let milliseconds = took.as_millis();
        let words = said.join(", ");
        println!(
            "  {BOLD}{name:<12}{BOLD:#}{style}{cell:<11}{style:#}{status:<10}{milliseconds:>5} ms  \
             {DIM}{words}{DIM:#}"
        );
        match verdict {
            Verdict::Left(names) => entry(RED, "left", &names.join("  ")),
            Verdict::NotRun(reason) => entry(YELLOW, "not run", reason),
            Verdict::Wrong(reason) => entry(RED, "wrong", reason),
            Verdict::Refused => entry(DIM, "see", row.refused.unwrap_or_default()),
            Verdict::Cleaned(_) | Verdict::Told { .. } => {}
        }
        for line in stderr.lines().filter(|line| !line.is_empty()) {
            entry(DIM, "stderr", line);
        }
        if let Some(difference) = compare(row, table, *column, ran) {
            entry(ALARM, "differs", &difference);
        }
    }
    println!();
}

fn entry(style: Style, what: &str, text: &str) {
    println!("              {style}{what:<9}{text}{style:#}");
}

/// The words of `text`, in lines of at most `width`.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
