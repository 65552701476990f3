//! The children of a scope of tasks that have not ended, found by their keys.

/// What the scope knows of a child.
pub(super) struct Entry<A> {
    #[cfg(all(feature = "process", unix))]
    pub(super) live: Option<Box<super::live::Live>>,
    /// What aborts it, once it is spawned.
    pub(super) abort: Option<A>,
    pub(super) handle_gone: bool,
    /// Its result is on its way to the handle.
    pub(super) delivering: bool,
}

impl<A> Default for Entry<A> {
    fn default() -> Self {
        Self {
            #[cfg(all(feature = "process", unix))]
            live: None,
            abort: None,
            handle_gone: false,
            delivering: false,
        }
    }
}

/// A child's place, and which of those that had it one after the other it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    place: usize,
    turn: u64,
}

impl Key {
    /// Nobody's: turns begin at 1.
    pub(super) const NONE: Self = Self { place: 0, turn: 0 };
}

struct Place<A> {
    turn: u64,
    entry: Option<Entry<A>>,
}

/// Places that are used again, so that a key is an index: a hash would cost more than all the rest.
pub(super) struct Children<A> {
    places: Vec<Place<A>>,
    free: Vec<usize>,
}

impl<A> Children<A> {
    pub(super) fn new() -> Self {
        Self { places: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, entry: Entry<A>) -> Key {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { turn: 0, entry: None });
            self.places.len() - 1
        });
        let of = &mut self.places[place];
        of.turn += 1;
        of.entry = Some(entry);
        Key { place, turn: of.turn }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Entry<A>> {
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

    pub(super) fn take_aborts(&mut self) -> Vec<A> {
        let entries = self.places.iter_mut().filter_map(|place| place.entry.as_mut());
        entries.filter_map(|entry| entry.abort.take()).collect()
    }
}
