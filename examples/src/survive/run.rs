//! One cell, from outside: starts the process, ends it, and looks what is left.

use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::child::{AGAIN, GONE, MARK, READY, TOLD};
use super::lines::Lines;
use super::place::Cell;
use super::processes::{self, Process, is_ready};
use super::row::{Build, OUTCOMES, Place, Step};
use super::table::Table;
use super::verdict::{By, Verdict};
use super::watch::Watch;
use super::world::{self, ControlGroup};
use super::{Column, Row, Status};

/// How long a process may take for everything that it is to do.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a reaper may take once the process has ended.
const REAPING: Duration = Duration::from_secs(5);
/// How long something is watched that must not go away.
const WATCHING: Duration = Duration::from_millis(100);

/// Where the cells are run, and of which program.
#[derive(Debug)]
pub(super) struct Settings {
    program: PathBuf,
    abort_program: Option<PathBuf>,
    directory: PathBuf,
}

impl Settings {
    /// For this program, in this directory; `abort_program` is one of its builds with
    /// `panic = "abort"`.
    pub(super) fn new(abort_program: Option<PathBuf>, directory: &Path) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self { program, abort_program, directory: directory.to_owned() })
    }
}

/// A cell that was run.
#[derive(Debug)]
pub(super) struct Ran {
    /// What became of the resource.
    pub(super) verdict: Verdict,
    /// How the process ended.
    pub(super) status: Option<Status>,
    /// What it said.
    pub(super) said: Vec<String>,
    /// What it, and all that it started, wrote to stderr.
    pub(super) stderr: String,
    /// From its start to the verdict.
    pub(super) took: Duration,
}

/// Runs one cell: makes a process end this way, and looks what is left.
#[must_use]
pub(super) fn run(settings: &Settings, row: &'static Row, column: Column) -> Ran {
    let start = Instant::now();
    let mut ran = Ran {
        verdict: Verdict::Refused,
        status: None,
        said: Vec::new(),
        stderr: String::new(),
        took: Duration::ZERO,
    };
    if row.is_refused(column) {
        return ran;
    }
    ran.verdict = Cell::create(&settings.directory, row, column)
        .and_then(|cell| {
            let verdict = judge(settings, &cell, row, column, &mut ran);
            // Also where it failed half way.
            let ended = processes::kill_all(cell.path(), Instant::now() + REAPING);
            let stderr = fs::read(cell.stderr())?;
            ran.stderr = String::from_utf8_lossy(&stderr).into_owned();
            fs::remove_dir_all(cell.path())?;
            ended.and(verdict)
        })
        .unwrap_or_else(|error| Verdict::Wrong(error.to_string()));
    ran.took = start.elapsed();
    ran
}

fn judge(
    settings: &Settings,
    cell: &Cell,
    row: &'static Row,
    column: Column,
    ran: &mut Ran,
) -> io::Result<Verdict> {
    let group = match row.place {
        Place::ControlGroup => match ControlGroup::create(&group_name(cell)) {
            Ok(group) => Some(group),
            Err(error) => {
                return Ok(Verdict::NotRun(format!("cannot make a control group: {error}")));
            }
        },
        _ => None,
    };
    let mut start = Start { settings, cell, row, group: group.as_ref(), again: false };
    let mut running = start.start()?;
    let unable = running.end();
    ran.said = running.lines.words();
    if let Some(reason) = running.lines.values(world::CANNOT).pop() {
        return Ok(Verdict::NotRun(format!("cannot {reason}")));
    }
    unable?;
    ran.status = running.status()?;
    if ran.status != Some(row.status(column)) {
        let ended = ran.status.map_or_else(|| "in some other way".to_owned(), |it| it.to_string());
        return Ok(Verdict::Wrong(format!("ended by {ended} and not {}", row.status(column))));
    }
    let count = |word: &str| ran.said.iter().filter(|said| *said == word).count();
    if count(READY) == 0 {
        return Ok(Verdict::Wrong("it ended before it was ready".to_owned()));
    }
    if Table::Outcomes.columns().contains(&column) {
        return Ok(told(&running.lines, row));
    }
    // In other columns nobody else cleans up.
    let has_reaper = matches!(column, Column::Kill | Column::Reboot);
    let by_reaper = has_reaper && count(GONE) < count(READY);
    let mut by = if by_reaper { By::Reaper } else { By::Process };
    let mut left = settle(cell)?;
    if !left.is_empty() {
        start.again = true;
        let mut running = start.start()?;
        running.end()?;
        if running.status()? != Some(Status::Exit(0)) {
            return Ok(Verdict::Wrong("it does not start again".to_owned()));
        }
        by = By::NextStart;
        left = settle(cell)?;
    }
    // Whoever cleaned up ends by itself.
    if !processes::all_end(cell.path(), Instant::now() + REAPING)? {
        return Ok(Verdict::Wrong("a process outlives it".to_owned()));
    }
    Ok(if left.is_empty() { Verdict::Cleaned(by) } else { Verdict::Left(left) })
}

/// What the cleanups of a function were told, of which exactly one is to run.
fn told(lines: &Lines, row: &Row) -> Verdict {
    let words = lines.values(TOLD);
    match OUTCOMES.into_iter().find(|outcome| words == [*outcome]) {
        Some(outcome) => Verdict::Told { outcome, is_true: outcome == row.outcome },
        None => Verdict::Wrong(format!("its cleanups were told {words:?}")),
    }
}

/// Unique on this machine: the directory of the run is.
fn group_name(cell: &Cell) -> String {
    let names = cell.path().iter().rev().take(2).map(|name| name.to_string_lossy());
    names.collect::<Vec<_>>().join(".")
}

/// Waits until nothing is left, or nobody is who could remove it, and gives what is left.
fn settle(cell: &Cell) -> io::Result<Vec<String>> {
    let deadline = Instant::now() + REAPING;
    let watch = Watch::of(&cell.resources())?;
    loop {
        watch.clear()?;
        // In this order: who ends now has removed what it removes.
        let processes = processes::of_cell(cell.path());
        let left = cell.left();
        if left.is_empty() || processes.is_empty() {
            return Ok(left);
        }
        let mut files = vec![&watch.0];
        files.extend(processes.iter().map(Process::handle));
        if !is_ready(&files, deadline)? {
            return Ok(cell.left());
        }
    }
}

/// What is needed to start a cell's process.
struct Start<'a> {
    settings: &'a Settings,
    cell: &'a Cell,
    row: &'static Row,
    group: Option<&'a ControlGroup>,
    /// Whether it only looks for what an earlier one has left.
    again: bool,
}

impl<'a> Start<'a> {
    fn start(&self) -> io::Result<Running<'a>> {
        let Settings { program, abort_program, .. } = self.settings;
        let program = match self.row.build {
            Build::Usual => program,
            Build::Abort => abort_program.as_ref().unwrap_or(program),
        };
        let stderr = File::options().append(true).open(self.cell.stderr())?;
        let mut command = Command::new(program);
        command
            .env(MARK, self.cell.path())
            .env("XDG_STATE_HOME", self.cell.state())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        if self.again {
            command.env(AGAIN, "1");
        }
        if self.row.place == Place::Container {
            world::in_container(&mut command);
        }
        if let Some(group) = self.group.filter(|_| !self.again) {
            command.env(world::CONTROL_GROUP, group.path());
        }
        let steps = if self.again { &[] } else { self.row.steps };
        Running::new(command.spawn()?, self.cell, self.row, self.group, steps)
    }
}

/// A cell's process.
struct Running<'a> {
    cell: &'a Cell,
    row: &'static Row,
    group: Option<&'a ControlGroup>,
    steps: &'static [Step],
    child: Child,
    process: Process,
    lines: Lines,
    stdin: Option<ChildStdin>,
    deadline: Instant,
}

impl<'a> Running<'a> {
    fn new(
        mut child: Child,
        cell: &'a Cell,
        row: &'static Row,
        group: Option<&'a ControlGroup>,
        steps: &'static [Step],
    ) -> io::Result<Self> {
        let number = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let process = Process::open(number.ok_or(io::ErrorKind::NotFound)?)?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (lines, stdin) = (Lines::new(stdout), child.stdin.take());
        let deadline = Instant::now() + PATIENCE;
        Ok(Self { cell, row, group, steps, child, process, lines, stdin, deadline })
    }

    /// Ends the process in the way of its row, and waits for its end and that of its forks.
    fn end(&mut self) -> io::Result<()> {
        if !self.steps.is_empty() && self.lines.wait_for(READY, self.deadline)? {
            for step in self.steps {
                self.step(*step)?;
            }
        }
        self.await_end()?;
        self.lines.wait_for_end(self.deadline)
    }

    fn step(&mut self, step: Step) -> io::Result<()> {
        match step {
            // One that ends instead gets no further: its status tells.
            Step::Await(word) => self.lines.wait_for(word, self.deadline).map(drop),
            Step::AwaitEnd => self.await_end(),
            Step::Signal(signal) => match self.row.place {
                Place::Container => self.first_in_container()?.signal(signal).map(drop),
                _ => self.process.signal(signal).map(drop),
            },
            Step::KillGroup => Ok(kill_process_group(self.process.number, Signal::KILL)?),
            Step::KillAll => {
                // Killed one after the other, the first would be seen by the second.
                self.process.stop(self.deadline)?;
                let all = self.stop_others()?;
                all.iter().try_for_each(|process| process.signal(Signal::KILL).map(drop))?;
                self.process.signal(Signal::KILL).map(drop)
            }
            Step::StopOthers => self.stop_others().map(drop),
            Step::KillControlGroup => self.group.map_or(Ok(()), ControlGroup::kill),
            Step::MustStay => {
                let before = self.cell.left();
                is_ready(&[Watch::of(&self.cell.resources())?], Instant::now() + WATCHING)?;
                if before.is_empty() || self.cell.left() != before {
                    return Err(io::Error::other("it was removed while it was used"));
                }
                drop(self.stdin.take());
                Ok(())
            }
        }
    }

    /// Stops, and gives, all processes of the cell but the one that was started for it.
    fn stop_others(&self) -> io::Result<Vec<Process>> {
        let mut others = processes::of_cell(self.cell.path());
        others.retain(|process| process.number != self.process.number);
        others.iter().try_for_each(|process| process.stop(self.deadline))?;
        Ok(others)
    }

    fn first_in_container(&self) -> io::Result<Process> {
        let mut processes = processes::of_cell(self.cell.path()).into_iter();
        let first = processes.find(|process| process.is_child_of(self.process.number));
        first.ok_or_else(|| io::Error::other("the container has no first process"))
    }

    fn await_end(&mut self) -> io::Result<()> {
        if self.process.ends_before(self.deadline)? {
            return Ok(());
        }
        let seconds = PATIENCE.as_secs();
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("it runs on after {seconds} s")))
    }

    fn status(&mut self) -> io::Result<Option<Status>> {
        self.child.wait().map(Status::of)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Of a process that has been waited for, both are errors.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
