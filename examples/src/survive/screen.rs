//! The matrix as it is printed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressStyle};

use super::arguments::Format;
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

/// Shows the cells as they come, row after row.
pub(super) struct Screen {
    rows: Vec<&'static Row>,
    format: Format,
    ran: Vec<Option<Ran>>,
    /// How many rows have been printed.
    printed: usize,
    bar: ProgressBar,
}

impl Screen {
    pub(super) fn new(rows: Vec<&'static Row>, format: Format) -> Self {
        let cells = rows.len() * Column::ALL.len();
        let screen = Self {
            ran: (0..cells).map(|_| None).collect(),
            // Draws nothing where stderr is no terminal.
            bar: ProgressBar::new(cells as u64).with_style(style()),
            rows,
            format,
            printed: 0,
        };
        if format == Format::Matrix {
            screen.bar.suspend(print_heads);
        }
        screen
    }

    /// Takes a cell, and prints what is complete with it.
    pub(super) fn take(&mut self, number: usize, ran: Ran) {
        self.bar.inc(1);
        self.ran[number] = Some(ran);
        while let Some(row) = self.rows.get(self.printed) {
            let Some(cells) = self.cells(self.printed) else { break };
            self.bar.suspend(|| match self.format {
                Format::Matrix => print_row(row, &cells),
                Format::Details => print_details(row, &cells),
                Format::Document => {}
            });
            self.printed += 1;
        }
        // The one that is waited for.
        let next = self.rows.get(self.printed);
        self.bar.set_message(next.map_or_else(String::new, |row| row.plain_title()));
    }

    /// The cells of a row, if all have been run.
    fn cells(&self, row: usize) -> Option<Vec<&Ran>> {
        let columns = Column::ALL.len();
        self.ran[row * columns..][..columns].iter().map(Option::as_ref).collect()
    }

    /// Prints the rest; true if each cell is as documented, or cannot be run here.
    pub(super) fn finish(self, took: Duration) -> bool {
        self.bar.finish_and_clear();
        if self.format == Format::Document {
            let verdict = |row: usize, column: Column| {
                self.cells(row).map_or_else(
                    || Verdict::NotRun("it was not asked for".to_owned()),
                    |cells| cells[column as usize].verdict.clone(),
                )
            };
            anstream::print!("{}", markdown(verdict));
        }
        if self.format == Format::Matrix {
            self.print_totals();
            print_legend();
        }
        self.judge(took)
    }

    /// Says how many cells are as documented, and which are not.
    fn judge(&self, took: Duration) -> bool {
        let mut documented = 0;
        let mut not_run: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut differing = Vec::new();
        for (number, ran) in self.ran.iter().enumerate() {
            let row = self.rows[number / Column::ALL.len()];
            let column = Column::ALL[number % Column::ALL.len()];
            let Some(ran) = ran else { continue };
            match (&ran.verdict, compare(row, column, ran)) {
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
        let (count, seconds) = (self.ran.len(), took.as_secs_f64());
        let not_run: usize = not_run.values().sum();
        let besides =
            if not_run == 0 { String::new() } else { format!(", {not_run} not run here") };
        eprintln!(
            "{style}{documented} of {count} cells as docs/guarantees.md says{style:#}{besides}, in \
             {seconds:.1} s"
        );
        differing.is_empty()
    }

    fn print_totals(&self) {
        let mut line = format!(" {DIM}{:<TITLE$}{DIM:#}", "left behind");
        for column in Column::ALL {
            let cells = (0..self.rows.len()).filter_map(|row| self.cells(row));
            let verdicts = cells.map(|cells| &cells[column as usize].verdict);
            let left = verdicts.filter(|verdict| matches!(verdict, Verdict::Left(_)));
            let left = left.count();
            let style = if left == 0 { GREEN } else { RED };
            let space = " ".repeat(width(column).saturating_sub(left.to_string().len()));
            let _ = write!(line, "{style}{BOLD}{left}{BOLD:#}{style:#}{space}");
        }
        println!("{}\n{}\n", rule(), line.trim_end());
        let mut names: Vec<&String> = self
            .ran
            .iter()
            .flatten()
            .filter_map(|ran| match &ran.verdict {
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
fn compare(row: &Row, column: Column, ran: &Ran) -> Option<String> {
    let is = ran.verdict.cell();
    match (&ran.verdict, documented(row, column)) {
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

fn rule() -> String {
    format!(
        " {DIM}{}{DIM:#}",
        "─".repeat(TITLE + Column::ALL.into_iter().map(width).sum::<usize>())
    )
}

fn print_heads() {
    let mut line = format!(" {BOLD}{:<TITLE$}", "way to end");
    for column in Column::ALL {
        let _ = write!(line, "{:<1$}", column.name(), width(column));
    }
    println!("{line}{BOLD:#}\n{}", rule());
}

fn print_row(row: &Row, cells: &[&Ran]) {
    let mut line = format!(" {:<TITLE$}", row.plain_title());
    for (column, ran) in Column::ALL.into_iter().zip(cells) {
        let style = match compare(row, column, ran) {
            Some(_) if !matches!(ran.verdict, Verdict::NotRun(_)) => ALARM,
            _ => style_of(&ran.verdict),
        };
        let cell = ran.verdict.cell();
        let space = " ".repeat(width(column).saturating_sub(cell.chars().count()));
        let _ = write!(line, "{style}{cell}{style:#}{space}");
    }
    println!("{}", line.trim_end());
}

fn style_of(verdict: &Verdict) -> Style {
    match verdict {
        Verdict::Cleaned(By::Process) => GREEN,
        Verdict::Cleaned(By::Reaper) => CYAN,
        Verdict::Cleaned(By::NextStart) => BLUE,
        Verdict::Left(_) => RED,
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

/// One row, explained.
fn print_details(row: &Row, cells: &[&Ran]) {
    println!("{BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}", row.plain_title(), row.name);
    for line in wrapped(row.about, 96).iter().chain(&wrapped(row.note, 96)) {
        println!("  {line}");
    }
    println!();
    for (column, ran) in Column::ALL.into_iter().zip(cells) {
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
            Verdict::Cleaned(_) => {}
        }
        for line in stderr.lines().filter(|line| !line.is_empty()) {
            entry(DIM, "stderr", line);
        }
        if let Some(difference) = compare(row, column, ran) {
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
