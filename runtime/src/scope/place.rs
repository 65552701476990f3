//! Places of children under a limit, and the thread's membership in the scope that spawned it.
//!
//! A thread is a child of at most one scope, for all its life. The place that it holds stands in a
//! thread-local value, where anything that blocks can find it and lend it out meanwhile.

use std::cell::RefCell;
use std::sync::Arc;

use super::shared::Shared;
use crate::sync::thread_local;

/// One of the children that a scope may run at once.
pub(super) struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.give_place_back();
    }
}

/// The child that the thread is.
///
/// It is the first thread-local value of its thread, and destructors run in the reverse order, where
/// the platform orders them at all (Linux does). So its own tells that the thread is all but gone,
/// and can be joined without blocking on somebody's destructor.
struct Member {
    shared: Arc<Shared>,
    id: u64,
    place: Option<Place>,
}

impl Drop for Member {
    fn drop(&mut self) {
        self.shared.finished(self.id);
    }
}

thread_local! {
    static MEMBER: RefCell<Option<Member>> = const { RefCell::new(None) };
}

/// Makes the thread a child, to be called first thing.
pub(super) fn enter(shared: Arc<Shared>, id: u64, place: Option<Place>) {
    let member = Member { shared, id, place };
    // A thread that has just begun has its thread-local values; if not, the place is given back.
    let _ = MEMBER.try_with(|current| current.replace(Some(member)));
}

/// The child's closure is done; its thread-local destructors do not count.
pub(super) fn leave() {
    drop(take());
}

fn take() -> Option<Place> {
    let take = |member: &RefCell<Option<Member>>| member.borrow_mut().as_mut()?.place.take();
    MEMBER.try_with(take).ok().flatten()
}

/// A place that its child has given up while it blocks; takes one again when dropped.
pub(super) struct Lent(Arc<Shared>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.take_place();
        let mut place = Some(Place(Arc::clone(&self.0)));
        let _ = MEMBER.try_with(|member| {
            if let Some(member) = member.borrow_mut().as_mut() {
                member.place = place.take();
            }
        });
    }
}

/// Gives up the thread's place, if it holds one.
pub(super) fn lend() -> Option<Lent> {
    let place = take()?;
    Some(Lent(Arc::clone(&place.0)))
}

/// A place for a new child, `None` where there is no limit; and the caller's own, if waiting took
/// lending that one out.
pub(super) fn admit(shared: &Arc<Shared>) -> (Option<Place>, Option<Lent>) {
    if !shared.is_limited() {
        return (None, None);
    }
    let lent = if shared.try_take_place() {
        None
    } else {
        let lent = lend();
        shared.take_place();
        lent
    };
    (Some(Place(Arc::clone(shared))), lent)
}
