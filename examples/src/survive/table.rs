//! The tables of the matrix: which kinds of cleanup stand side by side.

use super::{Column, Row};

/// A table: rows are ways to end, columns are kinds of cleanup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// Who removes the resource, by the rung that its cleanup survives.
    Rungs,
    /// The same where the cleanup itself has to wait for something.
    Tasks,
    /// As what a cleanup takes the end of its function.
    Outcomes,
}

impl Table {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 3] = [Self::Rungs, Self::Tasks, Self::Outcomes];

    /// Its kinds of cleanup, in their order.
    pub(super) fn columns(self) -> &'static [Column] {
        match self {
            Self::Rungs => &[
                Column::Drop,
                Column::Scopeguard,
                Column::Unwind,
                Column::Exit,
                Column::Kill,
                Column::Reboot,
            ],
            Self::Tasks => &[Column::After, Column::Spawned, Column::Async, Column::AsyncMain],
            Self::Outcomes => &[Column::OnSuccess, Column::On],
        }
    }

    /// What is above its rows on the screen.
    pub(super) fn head(self) -> &'static str {
        match self {
            Self::Rungs => "way to end",
            Self::Tasks => "way to end, async cleanup",
            Self::Outcomes => "way to end, and its outcome",
        }
    }

    /// What the cells are counted by that are not as one would like.
    pub(super) fn total(self) -> &'static str {
        match self {
            Self::Rungs | Self::Tasks => "left behind",
            Self::Outcomes => "told wrong",
        }
    }
}

/// A row of one of the tables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) table: Table,
    pub(super) row: &'static Row,
}

/// These rows in every table that has them, table by table.
pub(super) fn by_table(rows: &[&'static Row]) -> Vec<Line> {
    Table::ALL.into_iter().flat_map(|table| of_table(rows, table)).collect()
}

/// These rows in every table that has them, row by row.
pub(super) fn by_row(rows: &[&'static Row]) -> Vec<Line> {
    let lines = |row: &&'static Row| by_table(&[*row]);
    rows.iter().flat_map(lines).collect()
}

fn of_table(rows: &[&'static Row], table: Table) -> impl Iterator<Item = Line> {
    let rows = rows.iter().filter(move |row| row.tables.contains(&table));
    rows.map(move |row| Line { table, row })
}
