//! The kinds of cleanup: to add one, add a variant, a function that holds a resource with it, and its
//! place in a table.

mod tasks;

use std::fs;
use std::mem;
use std::path::{Path, PathBuf};

use backstop::{Action, defer, must_cleanup};

use super::child::Stage;
use super::ends::Failed;

pub(super) use self::tasks::hold_in_task;

/// A kind of cleanup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    /// A destructor.
    Drop,
    /// A guard of the crate scopeguard.
    Scopeguard,
    /// `#[cleanup(..)]`.
    Unwind,
    /// `#[cleanup(.., survives = exit)]`.
    Exit,
    /// `#[cleanup(.., survives = kill)]`.
    Kill,
    /// `#[cleanup(.., survives = reboot)]`.
    Reboot,
    /// Code that follows the work, and awaits the cleanup.
    After,
    /// A destructor that spawns the cleanup as a task.
    Spawned,
    /// `#[cleanup(async { .. })]`.
    Async,
    /// The same below `#[backstop::main] async fn main`.
    AsyncMain,
    /// Guards of the crate scopeguard that tell successes from panics.
    OnSuccess,
    /// `#[cleanup(.., on = ..)]`.
    On,
}

impl Column {
    /// Whether the cleanup is one of backstop's.
    #[must_use]
    pub(super) fn is_ours(self) -> bool {
        match self {
            Self::Drop | Self::Scopeguard | Self::After | Self::Spawned | Self::OnSuccess => false,
            Self::Unwind
            | Self::Exit
            | Self::Kill
            | Self::Reboot
            | Self::Async
            | Self::AsyncMain
            | Self::On => true,
        }
    }

    /// One word.
    #[must_use]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Drop => "Drop",
            Self::Scopeguard => "scopeguard",
            Self::Unwind => "unwind",
            Self::Exit => "exit",
            Self::Kill => "kill",
            Self::Reboot => "reboot",
            Self::After => "after",
            Self::Spawned => "spawned",
            Self::Async => "async",
            Self::AsyncMain => "async-main",
            Self::OnSuccess => "on_success",
            Self::On => "on",
        }
    }

    /// As in the documents.
    #[must_use]
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Drop => "plain `Drop`",
            Self::Scopeguard => "scopeguard",
            Self::Unwind => "`unwind`",
            Self::Exit => "`exit`",
            Self::Kill => "`kill`",
            Self::Reboot => "`reboot`",
            Self::After => "after the `.await`",
            Self::Spawned => "spawned in `Drop`",
            Self::Async => "`async`",
            Self::AsyncMain => "`async`, and `main`",
            Self::OnSuccess => "scopeguard's",
            Self::On => "`on`",
        }
    }

    /// The attribute of `main`.
    pub(super) fn main(self) -> &'static str {
        match self {
            Self::Exit => "`#[backstop::main]`",
            Self::Kill => "`#[backstop::main(reaper)]`",
            Self::Reboot => "`#[backstop::main(reaper, journal)]`",
            Self::AsyncMain => "`#[backstop::main]` on an `async fn`",
            _ => "",
        }
    }

    /// Which cleanup it is, in code.
    #[must_use]
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Drop => "`fs::remove_dir_all` in an `impl Drop`",
            Self::Scopeguard => "`scopeguard::guard(dir, ..)`",
            Self::Unwind => "`#[cleanup(remove(&dir))]`",
            Self::Exit => r"`#[cleanup(move \|\| remove(&dir), survives = exit)]`",
            Self::Kill => "`#[cleanup(Action::remove_dir_all(&dir), survives = kill)]`",
            Self::Reboot => "`#[cleanup(Action::remove_dir_all(&dir), survives = reboot)]`",
            Self::After => "`work.await?; session.close().await;`",
            Self::Spawned => "`runtime.spawn(session.close())` in an `impl Drop`",
            Self::Async | Self::AsyncMain => "`#[cleanup(async { session.close().await })]`",
            Self::OnSuccess => "`defer_on_success!` and `defer_on_unwind!`",
            Self::On => "`defer!(on = success, ..)`, and so for `error`, `unwind` and `cancel`",
        }
    }
}

/// How a function that holds a resource goes on after the row's own part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// It ends.
    End,
    /// It returns early.
    Early,
    /// It forgets the guard, and ends.
    Forget,
}

/// Makes the resource, and does the row's part while it holds it.
pub(super) fn hold(stage: &'static Stage) -> Result<(), Failed> {
    match stage.column {
        Column::Drop => with_drop(stage),
        Column::Scopeguard => with_scopeguard(stage),
        Column::Unwind => with_unwind(stage),
        Column::Exit => with_exit(stage),
        Column::Kill => with_kill(stage),
        Column::Reboot => with_reboot(stage),
        Column::After
        | Column::Spawned
        | Column::Async
        | Column::AsyncMain
        | Column::OnSuccess
        | Column::On => Err(Failed::OnlyForTasks),
    }
}

/// The cleanup that all of this is about.
fn remove(dir: &Path) {
    // Nothing to say it to: what is left is seen from outside.
    let _ = fs::remove_dir_all(dir);
}

struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

struct Second(&'static Stage);

impl Drop for Second {
    fn drop(&mut self) {
        self.0.second();
    }
}

fn with_drop(stage: &'static Stage) -> Result<(), Failed> {
    let scratch = Scratch(stage.make()?);
    let _second = Second(stage);
    match stage.end()? {
        Leave::End => {}
        Leave::Early => return Ok(()),
        Leave::Forget => mem::forget(scratch),
    }
    Ok(())
}

fn with_scopeguard(stage: &'static Stage) -> Result<(), Failed> {
    let scratch = scopeguard::guard(stage.make()?, |dir| remove(&dir));
    scopeguard::defer!(stage.second());
    match stage.end()? {
        Leave::End => {}
        Leave::Early => return Ok(()),
        Leave::Forget => mem::forget(scratch),
    }
    Ok(())
}

#[must_cleanup(allow(panic_abort, reason = "a row shows what happens then"))]
fn with_unwind(stage: &'static Stage) -> Result<(), Failed> {
    #[cleanup(remove(&dir))]
    let dir = stage.make()?;
    defer!(stage.second());
    if stage.end()? == Leave::Early {
        return Ok(());
    }
    Ok(())
}

#[must_cleanup]
fn with_exit(stage: &'static Stage) -> Result<(), Failed> {
    #[cleanup({ let dir = dir.clone(); move || remove(&dir) }, survives = exit)]
    let dir = stage.make()?;
    defer!(survives = exit, move || stage.second());
    if stage.end()? == Leave::Early {
        return Ok(());
    }
    Ok(())
}

#[must_cleanup]
fn with_kill(stage: &'static Stage) -> Result<(), Failed> {
    defer!(survives = exit, move || stage.witness());
    #[cleanup(Action::remove_dir_all(&dir), survives = kill)]
    let dir = stage.make()?;
    defer!(survives = exit, move || stage.second());
    if stage.end()? == Leave::Early {
        return Ok(());
    }
    Ok(())
}

#[must_cleanup]
fn with_reboot(stage: &'static Stage) -> Result<(), Failed> {
    defer!(survives = exit, move || stage.witness());
    #[cleanup(Action::remove_dir_all(&dir), survives = reboot)]
    let dir = stage.make()?;
    defer!(survives = exit, move || stage.second());
    if stage.end()? == Leave::Early {
        return Ok(());
    }
    Ok(())
}
