//! The threads of a scope, each joined exactly once.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, PoisonError};
use std::thread::{self, Thread};

use super::place;
use super::shared::Shared;
use crate::event;
use crate::sync::{Condvar, Mutex, MutexGuard};

/// The children of a scope of threads.
pub(super) type Threads<'scope> = Children<thread::ScopedJoinHandle<'scope, ()>>;

/// A child's thread.
pub(super) trait Join {
    fn thread(&self) -> &Thread;

    /// Blocks until it has ended.
    fn join(self) -> thread::Result<()>;
}

impl Join for thread::ScopedJoinHandle<'_, ()> {
    fn thread(&self) -> &Thread {
        self.thread()
    }

    fn join(self) -> thread::Result<()> {
        self.join()
    }
}

/// Joining is more than waiting: a joined thread has run its thread-local destructors and given back
/// its stack. The standard library's scope waits for the closures only.
pub(super) struct Children<J> {
    shared: Arc<Shared>,
    table: Mutex<Table<J>>,
    changed: Condvar,
}

struct Table<J> {
    next_id: u64,
    /// Threads in `wait`; to wake nobody is a system call all the same.
    waiting: usize,
    entries: BTreeMap<u64, Entry<J>>,
}

enum Entry<J> {
    /// About to be spawned.
    Starting,
    Started(J),
    /// Somebody is joining it.
    Joining,
}

/// A child about to be spawned, no longer listed if it is not.
pub(super) struct Starting<'a, J: Join> {
    children: &'a Children<J>,
    id: u64,
}

impl<J: Join> Starting<'_, J> {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn started(self, thread: J) {
        let mut table = self.children.table();
        table.entries.insert(self.id, Entry::Started(thread));
        self.children.notify(table);
    }
}

impl<J: Join> Drop for Starting<'_, J> {
    fn drop(&mut self) {
        let mut table = self.children.table();
        if matches!(table.entries.get(&self.id), Some(Entry::Starting)) {
            table.entries.remove(&self.id);
            self.children.notify(table);
        }
    }
}

impl<J: Join> Children<J> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let table = Table { next_id: 0, waiting: 0, entries: BTreeMap::new() };
        Self { shared, table: Mutex::new(table), changed: Condvar::new() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(super) fn start(&self) -> Starting<'_, J> {
        let mut table = self.table();
        let id = table.next_id;
        table.next_id += 1;
        table.entries.insert(id, Entry::Starting);
        Starting { children: self, id }
    }

    /// Joins the children that are done, so that threads with short lives do not pile up.
    pub(super) fn reap(&self) {
        for id in self.shared.take_finished() {
            let mut table = self.table();
            match table.entries.get_mut(&id) {
                Some(entry @ Entry::Started(_)) => {
                    let entry = mem::replace(entry, Entry::Joining);
                    drop(table);
                    self.join_entry(id, entry);
                }
                // Quicker than its spawner: for the next time.
                Some(Entry::Starting) => {
                    drop(table);
                    self.shared.finished(id);
                }
                Some(Entry::Joining) | None => {}
            }
        }
    }

    /// Blocks until the child's thread has ended.
    pub(super) fn join(&self, id: u64) {
        let mut table = self.table();
        loop {
            match table.entries.get_mut(&id) {
                None => return,
                Some(Entry::Starting | Entry::Joining) => table = self.wait(table),
                Some(entry @ Entry::Started(_)) => {
                    let entry = mem::replace(entry, Entry::Joining);
                    drop(table);
                    return self.join_entry(id, entry);
                }
            }
        }
    }

    /// Blocks until no child is left. Whoever could spawn another one is a child, and listed itself.
    ///
    /// The caller's place, if it is itself a child of a scope with a limit, is lent out meanwhile.
    pub(super) fn join_all(&self) {
        let lent = if self.table().entries.is_empty() { None } else { place::lend() };
        let mut table = self.table();
        while !table.entries.is_empty() {
            let started = |entry: &Entry<J>| matches!(entry, Entry::Started(_));
            let next = table.entries.iter_mut().find(|(_, entry)| started(entry));
            table = match next {
                None => self.wait(table),
                Some((&id, entry)) => {
                    let entry = mem::replace(entry, Entry::Joining);
                    drop(table);
                    self.join_entry(id, entry);
                    self.table()
                }
            };
        }
        drop(table);
        drop(lent);
    }

    fn join_entry(&self, id: u64, entry: Entry<J>) {
        if let Entry::Started(thread) = entry {
            // What we spawn contains every panic; there is nothing to be learnt from an `Err`.
            if let Err(payload) = thread.join() {
                event::discard(payload);
            }
        }
        let mut table = self.table();
        table.entries.remove(&id);
        self.notify(table);
    }

    fn wait<'a>(&'a self, mut table: MutexGuard<'a, Table<J>>) -> MutexGuard<'a, Table<J>> {
        table.waiting += 1;
        let mut table = self.changed.wait(table).unwrap_or_else(PoisonError::into_inner);
        table.waiting -= 1;
        table
    }

    fn notify(&self, table: MutexGuard<'_, Table<J>>) {
        let wake = table.waiting > 0;
        drop(table);
        if wake {
            self.changed.notify_all();
        }
    }

    /// Held over none of the user's code, so never poisoned; `into_inner` for form's sake.
    fn table(&self) -> MutexGuard<'_, Table<J>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, backstop_loom))]
mod model;
