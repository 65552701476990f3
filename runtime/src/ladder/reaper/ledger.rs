//! What is registered, in the order of the keys.

/// Values by key.
///
/// Keys are a counter's, so that nearly each comes behind all that are there; and guards are dropped in
/// the opposite order, so that the last is the one that mostly goes. At that end, this is a vector to
/// which something is appended; a map takes 90 instructions for the same, and a look at memory that no
/// cache has.
#[derive(Debug)]
pub(super) struct Ledger<T> {
    /// By rising keys. What went from between others leaves its place empty for a while.
    places: Vec<(u64, Option<T>)>,
    empty: usize,
}

impl<T> Ledger<T> {
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), empty: 0 }
    }

    /// Puts a value in place of the one that the key had, if any.
    #[inline]
    pub(super) fn insert(&mut self, key: u64, value: T) {
        if self.places.last().is_none_or(|(last, _)| *last < key) {
            self.places.push((key, Some(value)));
        } else {
            self.insert_between(key, value);
        }
    }

    #[cold]
    fn insert_between(&mut self, key: u64, value: T) {
        match self.find(key) {
            Ok(place) => {
                if self.places[place].1.replace(value).is_none() {
                    self.empty -= 1;
                }
            }
            Err(place) => self.places.insert(place, (key, Some(value))),
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<&T> {
        self.places[self.find(key).ok()?].1.as_ref()
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<T> {
        if self.places.last().is_some_and(|(last, _)| *last == key) {
            let value = self.places.pop()?.1;
            self.trim();
            return value;
        }
        let place = self.find(key).ok()?;
        let value = self.places[place].1.take()?;
        self.empty += 1;
        // Each removal pays for one place, so that it takes constant time on the average.
        if self.empty > self.places.len() / 2 {
            self.places.retain(|(_, value)| value.is_some());
            self.empty = 0;
        }
        Some(value)
    }

    /// From the lowest to the highest.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> {
        self.places.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| *key)
    }

    fn find(&self, key: u64) -> Result<usize, usize> {
        self.places.binary_search_by_key(&key, |(key, _)| *key)
    }

    /// The last place is never an empty one.
    fn trim(&mut self) {
        while let Some((_, None)) = self.places.last() {
            self.places.pop();
            self.empty -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::Ledger;

    /// A small generator of numbers that nobody need guess.
    fn next(seed: &mut u64) -> u64 {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *seed >> 33
    }

    #[test]
    fn is_a_map_in_any_order() {
        let mut seed = 1;
        for round in 0..50 {
            let (mut ledger, mut map) = (Ledger::new(), BTreeMap::new());
            let mut counter = 0;
            for step in 0..500 {
                // A new key, one a little behind, or any; more come than go in every other round.
                let key = match next(&mut seed) % 4 {
                    0 | 1 => {
                        counter += 1;
                        counter
                    }
                    2 => counter - next(&mut seed).min(counter) % 4,
                    _ => next(&mut seed) % (counter + 1),
                };
                if next(&mut seed) % 5 < 2 + round % 2 {
                    ledger.insert(key, step);
                    map.insert(key, step);
                } else {
                    assert_eq!(ledger.remove(key), map.remove(&key), "round {round}, step {step}");
                }
                assert_eq!(ledger.get(key), map.get(&key));
                assert!(ledger.keys().eq(map.keys().copied()), "round {round}, step {step}");
            }
        }
    }

    #[test]
    fn places_that_are_empty_are_given_back() {
        let mut ledger = Ledger::new();
        // One that stays for the life of the program, and many that come and go around it.
        ledger.insert(0, ());
        for key in 1..100_000 {
            ledger.insert(key, ());
            if key > 10 {
                ledger.remove(key - 10);
            }
            assert!(ledger.places.len() <= 24, "{} places for 11", ledger.places.len());
        }
    }
}
