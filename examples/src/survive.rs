//! Ends processes in every way there is, and looks what each kind of cleanup left behind.
//!
//! A cell of the matrix is one `Row`, a way to end, under one `Column`, a kind of cleanup. For
//! each the program starts itself again, as a process that makes a scratch directory, says that it
//! is ready, and really ends that way; the parent checks how it ended and what is left.

mod arguments;
mod child;
mod columns;
mod document;
mod ends;
mod lines;
mod mains;
mod place;
mod pool;
mod processes;
mod raw;
mod row;
mod rows;
mod run;
mod screen;
mod signals;
mod status;
mod table;
mod tasks;
mod verdict;
mod watch;
mod world;

use std::io;
use std::process::ExitCode;
use std::time::Instant;

use backstop::{Action, defer, must_cleanup};

use self::arguments::{Arguments, Format, Parsed};
use self::columns::Column;
use self::document::{documented, markdown};
use self::row::Row;
use self::rows::ROWS;
use self::run::{Ran, Settings, run};
use self::screen::Screen;
use self::status::Status;
use self::table::{by_row, by_table};
use self::verdict::{By, Verdict};

/// The program: its command line, its processes, its matrix.
#[must_use]
pub fn main() -> ExitCode {
    if let Some(code) = child::child() {
        return code;
    }
    match arguments::parse() {
        Ok(Parsed::Run(arguments)) => match matrix(arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("error: cannot prepare a place for the processes: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Parsed::Help) => {
            anstream::print!("{}", arguments::usage());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}\n  help: `survive --help` shows how to call it");
            ExitCode::from(2)
        }
    }
}

#[must_cleanup]
fn matrix(arguments: Arguments) -> io::Result<bool> {
    let start = Instant::now();
    // Also when Ctrl-C ends the run: what the matrix is about.
    #[cleanup(Action::remove_dir_all(&directory), survives = exit)]
    let directory = place::of_all_cells()?;
    defer!(survives = exit, processes::killer(&directory));

    let Arguments { rows, format, jobs, abort_program } = arguments;
    let settings = Settings::new(abort_program, &directory)?;
    let lines = if format == Format::Details { by_row(&rows) } else { by_table(&rows) };
    let cells = lines.iter().enumerate().flat_map(|(line, it)| {
        let columns = it.table.columns().iter().enumerate();
        columns.map(move |(position, column)| (line, position, it.row, *column))
    });
    // The slow ones first: they wait most of the time.
    let mut order: Vec<(usize, usize, &'static Row, Column)> = cells.collect();
    order.sort_by_key(|(_, _, row, _)| !row.is_slow);
    let mut screen = Screen::new(lines.clone(), format);
    pool::each(
        order.len(),
        jobs,
        |turn| {
            let (_, _, row, column) = order[turn];
            run(&settings, row, column)
        },
        |turn, ran| {
            let (line, position, ..) = order[turn];
            screen.take(line, position, ran);
        },
    );
    Ok(screen.finish(start.elapsed()))
}
