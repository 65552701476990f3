//! What a scope of tasks and its children know in common.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::children::{Entry, Key};
use super::error::{ChildFailure, Closed, FailureKind};
use super::roll::{Abort, Orphan, Remains, Roll};
use crate::cleanup_runtime::{self, Pending};
use crate::event::{self, Event, EventKind};
use crate::scope::{Name, OnFailure, Options};
use crate::{CancelCause, CancelToken, Outcome};

pub(in crate::scope) use super::roll::{Payload, SCOPE, Site};

impl Abort for AbortHandle {
    fn abort(&self) {
        self.abort();
    }
}

pub(super) struct Shared {
    /// Where the scope was made.
    pub(super) location: &'static Location<'static>,
    token: CancelToken,
    on_failure: OnFailure,
    /// Of children that have none of their own.
    pub(super) name: Option<Name>,
    pub(super) limit: Option<Arc<Semaphore>>,
    pub(super) runtime: Handle,
    pub(super) roll: Roll<AbortHandle, Pending>,
    #[cfg(all(feature = "process", unix))]
    _listed: super::live::Listed,
}

impl Shared {
    pub(super) fn new(
        location: &'static Location<'static>,
        options: &Options,
        runtime: Handle,
    ) -> Arc<Self> {
        #[cfg_attr(
            not(all(feature = "process", unix)),
            allow(unused_variables, reason = "nobody lists the scopes")
        )]
        Arc::new_cyclic(|this| Self {
            location,
            token: options.token(),
            on_failure: options.on_failure,
            name: options.name.clone(),
            limit: options.limit.map(|limit| Arc::new(Semaphore::new(limit.get()))),
            runtime,
            roll: Roll::new(location),
            #[cfg(all(feature = "process", unix))]
            _listed: super::live::list(this.clone()),
        })
    }

    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Lists a child that is about to be spawned, unless the scope is closed.
    #[cfg_attr(
        not(all(feature = "process", unix)),
        allow(unused_variables, reason = "for the report of what did not end")
    )]
    pub(super) fn enter(&self, site: &Site, is_blocking: bool) -> Result<Key, Closed> {
        #[cfg_attr(
            not(all(feature = "process", unix)),
            allow(unused_mut, reason = "for the report of what did not end")
        )]
        let mut entry = Entry::default();
        #[cfg(all(feature = "process", unix))]
        if super::live::is_watched() {
            entry.live = Some(Box::new(super::live::Live::new(site, is_blocking)));
        }
        self.roll.enter(entry)
    }

    /// A result that nobody will take, still on its way: a panic of it goes to the scope, as long as that
    /// waits, and else to the observer.
    pub(super) fn orphan(&self, site: Site, orphan: Orphan) {
        if let Some((site, orphan)) = self.roll.orphan(site, orphan) {
            self.report_orphan(site, orphan);
        }
    }

    /// The scope's runtime may be on its way down, and would drop what is spawned there: so the result is
    /// taken here if it has come, and else on a runtime that stays.
    fn report_orphan(&self, site: Site, mut orphan: Orphan) {
        if let Poll::Ready(payload) = orphan.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            return payload.into_iter().for_each(|payload| report(&site, payload));
        }
        cleanup_runtime::handle().unwrap_or(&self.runtime).spawn(async move {
            if let Some(payload) = orphan.await {
                report(&site, payload);
            }
        });
    }

    /// A child returned an error.
    pub(super) fn returned_error(&self, key: Key, site: Site, message: String) {
        self.roll.failed(key, ChildFailure::new(site, FailureKind::Failed, message));
        self.failed();
    }

    /// A panic that nobody takes.
    pub(super) fn panicked(&self, site: Site, payload: Payload) {
        if let Some((site, payload)) = self.roll.panicked(site, payload) {
            report(&site, payload);
        }
    }

    /// A child failed, or the body did.
    pub(super) fn failed(&self) {
        if self.on_failure == OnFailure::Cancel {
            self.token.cancel_at(CancelCause::SiblingFailed, self.location);
        }
    }

    /// Drops what nobody wants; a panic of its destructor is one of the child's.
    pub(super) fn discard<T>(&self, site: &Site, value: T) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            self.panicked(site.clone(), payload);
            self.failed();
        }
    }

    /// The scope's future is dropped: children are aborted, and `drain` waits for them.
    pub(super) fn abandon(&self) {
        let remains = self.roll.abandon(|| Pending::scope(self.location));
        let Some(Remains { orphans, panics }) = remains else { return };
        for (site, orphan) in orphans {
            self.report_orphan(site, orphan);
        }
        for (site, payload) in panics {
            report(&site, payload);
        }
    }
}

/// Tells the observer of a panic that nobody resumes, and drops the payload.
#[cold]
pub(in crate::scope) fn report(site: &Site, payload: Payload) {
    if event::is_exit(&*payload) {
        return event::discard(payload);
    }
    let message = event::panic_message(&*payload);
    let kind = EventKind::ChildPanicked;
    event::emit(&Event::new(kind, site.name(), site.location, Outcome::Unwind, message));
    event::discard(payload);
}

#[cfg(all(test, not(backstop_loom)))]
mod tests {
    use std::future::ready;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    /// The messages of events of the orphan from now on.
    fn messages() -> mpsc::Receiver<String> {
        let (send, receive) = mpsc::channel();
        crate::set_observer(move |event| {
            if event.name == "orphan" {
                let _ = send.send(event.message.clone());
            }
        });
        receive
    }

    fn payload(message: &'static str) -> Payload {
        Box::new(message)
    }

    #[test]
    fn the_panic_of_an_orphan_is_an_event_though_the_runtime_has_shut_down() {
        let messages = messages();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let shared = Shared::new(Location::caller(), &Options::new(), runtime.handle().clone());
        drop(runtime);
        let site = Site { name: Some(Name::from("orphan")), location: Location::caller() };
        shared.report_orphan(site.clone(), Box::pin(ready(Some(payload("there")))));
        assert_eq!(messages.recv_timeout(Duration::from_secs(60)).unwrap(), "there");

        let (result, comes) = tokio::sync::oneshot::channel();
        shared.report_orphan(site, Box::pin(async move { comes.await.unwrap() }));
        assert!(result.send(Some(payload("late"))).is_ok());
        assert_eq!(messages.recv_timeout(Duration::from_secs(60)).unwrap(), "late");
    }
}
