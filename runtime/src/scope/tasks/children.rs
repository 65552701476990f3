//! The children of a scope of tasks that have not ended, found by their keys.

use tokio::task::AbortHandle;

/// What the scope knows of a child.
#[derive(Default)]
pub(super) struct Entry {
    #[cfg(all(feature = "process", unix))]
    pub(super) live: Option<Box<super::live::Live>>,
    pub(super) abort: Option<AbortHandle>,
    pub(super) handle_gone: bool,
    /// Its result is on its way to the handle.
    pub(super) delivering: bool,
}

/// A child's place, and which of those that had it one after the other it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    place: usize,
    turn: u64,
}

#[derive(Default)]
struct Place {
    turn: u64,
    entry: Option<Entry>,
}

/// Places that are used again, so that a key is an index: a hash would cost more than all the rest.
#[derive(Default)]
pub(super) struct Children {
    places: Vec<Place>,
    free: Vec<usize>,
}

impl Children {
    pub(super) fn insert(&mut self) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place::default());
            self.places.len() - 1
        });
        let of = &mut self.places[place];
        of.turn += 1;
        of.entry = Some(Entry::default());
        Key { place, turn: of.turn }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry> {
        let place = self.places.get_mut(key.place)?;
        if place.turn == key.turn { place.entry.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, key: Key) {
        let Some(place) = self.places.get_mut(key.place) else { return };
        if place.turn == key.turn && place.entry.take().is_some() {
            self.free.push(key.place);
        }
    }

    #[cfg(all(feature = "process", unix))]
    pub(super) fn live(&self) -> impl Iterator<Item = super::live::Live> {
        self.places.iter().filter_map(|place| place.entry.as_ref()?.live.as_deref().cloned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    pub(super) fn take_aborts(&mut self) -> Vec<AbortHandle> {
        let entries = self.places.iter_mut().filter_map(|place| place.entry.as_mut());
        entries.filter_map(|entry| entry.abort.take()).collect()
    }
}
