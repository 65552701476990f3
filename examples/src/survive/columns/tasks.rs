//! The kinds of cleanup in `async` functions: each makes the resource, and does the work while it holds it.

use std::io;
use std::mem;
use std::path::PathBuf;
use std::pin::Pin;

use backstop::{Action, defer, must_cleanup};
use tokio::runtime::Handle;
use tokio::sync::SemaphorePermit;

use super::{Column, Scratch, remove};
use crate::survive::child::{Stage, tell};
use crate::survive::tasks::{Ended, Work, in_use, pause};

/// Makes the resource, and does this work while it holds it.
pub(in crate::survive) fn hold_in_task(
    stage: &'static Stage,
    work: Work,
) -> Pin<Box<dyn Future<Output = Ended> + Send>> {
    match stage.column {
        Column::Drop => Box::pin(with_drop(stage, work)),
        Column::Scopeguard => Box::pin(with_scopeguard(stage, work)),
        Column::Unwind => Box::pin(with_unwind(stage, work)),
        Column::Exit => Box::pin(with_exit(stage, work)),
        Column::Kill => Box::pin(with_kill(stage, work)),
        Column::Reboot => Box::pin(with_reboot(stage, work)),
        Column::After => Box::pin(after(stage, work)),
        Column::Spawned => Box::pin(spawned(stage, work)),
        Column::Async | Column::AsyncMain => Box::pin(with_async(stage, work)),
        Column::OnSuccess => Box::pin(on_success(work)),
        Column::On => Box::pin(on(work)),
    }
}

async fn with_drop(stage: &'static Stage, work: Work) -> Ended {
    let _scratch = Scratch(stage.make()?);
    work.await
}

async fn with_scopeguard(stage: &'static Stage, work: Work) -> Ended {
    let _scratch = scopeguard::guard(stage.make()?, |dir| remove(&dir));
    work.await
}

#[must_cleanup(allow(panic_abort, reason = "a row shows what happens then"))]
async fn with_unwind(stage: &'static Stage, work: Work) -> Ended {
    #[cleanup(remove(&dir))]
    let dir = stage.make()?;
    work.await
}

#[must_cleanup]
async fn with_exit(stage: &'static Stage, work: Work) -> Ended {
    #[cleanup({ let dir = dir.clone(); move || remove(&dir) }, survives = exit)]
    let dir = stage.make()?;
    work.await
}

#[must_cleanup]
async fn with_kill(stage: &'static Stage, work: Work) -> Ended {
    defer!(survives = exit, move || stage.witness());
    #[cleanup(Action::remove_dir_all(&dir), survives = kill)]
    let dir = stage.make()?;
    work.await
}

#[must_cleanup]
async fn with_reboot(stage: &'static Stage, work: Work) -> Ended {
    defer!(survives = exit, move || stage.witness());
    #[cleanup(Action::remove_dir_all(&dir), survives = reboot)]
    let dir = stage.make()?;
    work.await
}

/// A resource whose end takes a while, as that of a session does.
struct Session {
    dir: PathBuf,
    _in_use: SemaphorePermit<'static>,
}

impl Session {
    fn open(stage: &'static Stage) -> io::Result<Self> {
        Ok(Self { _in_use: in_use()?, dir: stage.make()? })
    }

    async fn close(self) {
        pause().await;
        remove(&self.dir);
    }
}

async fn after(stage: &'static Stage, work: Work) -> Ended {
    let session = Session::open(stage)?;
    work.await?;
    session.close().await;
    Ok(())
}

struct Spawns(Option<Session>);

impl Drop for Spawns {
    fn drop(&mut self) {
        // Without a runtime, `tokio::spawn` would panic.
        if let (Some(session), Ok(runtime)) = (mem::take(&mut self.0), Handle::try_current()) {
            runtime.spawn(session.close());
        }
    }
}

async fn spawned(stage: &'static Stage, work: Work) -> Ended {
    let _session = Spawns(Some(Session::open(stage)?));
    work.await
}

#[must_cleanup(allow(panic_abort, reason = "its rows are about tasks"))]
async fn with_async(stage: &'static Stage, work: Work) -> Ended {
    #[cleanup(async { session.close().await })]
    let session = Session::open(stage)?;
    work.await
}

async fn on_success(work: Work) -> Ended {
    scopeguard::defer_on_success!(tell("success"));
    scopeguard::defer_on_unwind!(tell("unwind"));
    work.await
}

#[must_cleanup(allow(panic_abort, reason = "its rows are about tasks"))]
async fn on(work: Work) -> Ended {
    defer!(on = success, tell("success"));
    defer!(on = error, tell("error"));
    defer!(on = unwind, tell("unwind"));
    defer!(on = cancel, tell("cancel"));
    work.await
}
