//! Damaged segments: whatever the bytes, reading returns, and no more than was registered comes out.

use std::collections::BTreeMap;

use super::*;
use crate::ladder::journal::record::FRAME;

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % end
    }
}

const HALF: usize = 2 * PAGE;

/// Whether it is committed, and done; and the action.
type Model = BTreeMap<u64, (bool, bool, Vec<u8>)>;

/// A valid segment, and what is alive in it after each of its frames.
struct Written {
    file: Vec<u8>,
    layout: Layout,
    tail: Tail,
    /// Where each frame of the latest half ends, and what is alive then.
    states: Vec<(usize, Model)>,
}

/// Registers and withdraws at random, and goes over to the other half now and then.
fn write(random: &mut Random) -> Written {
    let nonce = std::array::from_fn(|_| u8::try_from(random.below(256)).unwrap());
    let mut file = header(nonce, HALF, &Owner::current()).unwrap();
    let layout = Layout { header: file.len(), half: HALF };
    file.resize(layout.size(), 0);
    let mut model = Model::new();
    let mut next = 1;
    let mut half = 0;
    let mut tail = layout.tail(half, nonce, 1);
    let mut states = Vec::new();
    write_snapshot(&mut file, &mut tail, &model);
    states.push((tail.at, model.clone()));
    for _ in 0..random.below(60) {
        let mut frame = vec![0; FRAME];
        for _ in 0..=random.below(3) {
            let key = model.keys().nth(random.below(model.len() + 1)).copied();
            let data = vec![u8::try_from(random.below(256)).unwrap(); random.below(90)];
            let (kind, key) = match key {
                None => (Kind::Intent, next),
                Some(key) => ([Kind::Commit, Kind::Forget, Kind::Done][random.below(3)], key),
            };
            let data = if kind.ends() { Vec::new() } else { data };
            Record { kind, key, data: &data }.write(&mut frame);
            match kind {
                Kind::Intent => {
                    next += 1;
                    model.insert(key, (false, false, data));
                }
                Kind::Commit => {
                    model.insert(key, (true, false, data));
                }
                Kind::Forget => {
                    model.remove(&key);
                }
                Kind::Done => model.get_mut(&key).unwrap().1 = true,
            }
        }
        if tail.at + frame.len() > tail.end - 1024 {
            let mut full = tail.clone();
            half = 1 - half;
            tail = layout.tail(half, nonce, tail.generation + 1);
            states.clear();
            file[tail.at..tail.end].fill(0);
            model.retain(|_, (_, done, _)| !*done);
            write_snapshot(&mut file, &mut tail, &model);
            put(&mut file, &mut full, &mut [0; FRAME]);
        } else {
            put(&mut file, &mut tail, &mut frame);
        }
        states.push((tail.at, model.clone()));
    }
    Written { file, layout, tail, states }
}

fn write_snapshot(file: &mut [u8], tail: &mut Tail, model: &Model) {
    let mut frame = vec![0; FRAME];
    for (key, (committed, _, data)) in model {
        let kind = if *committed { Kind::Commit } else { Kind::Intent };
        Record { kind, key: *key, data }.write(&mut frame);
    }
    put(file, tail, &mut frame);
}

fn put(file: &mut [u8], tail: &mut Tail, frame: &mut [u8]) {
    tail.seal(frame);
    file[tail.at..tail.at + frame.len()].copy_from_slice(frame);
    tail.advance(frame.len());
}

fn model(image: Image) -> Model {
    image.live.into_iter().map(|live| (live.key, (live.committed, live.done, live.data))).collect()
}

#[test]
fn what_was_written_is_read() {
    let mut random = Random(1);
    for _ in 0..200 {
        let written = write(&mut random);
        let image = Image::read(&written.file).unwrap();
        assert_eq!(image.tail, written.tail);
        assert_eq!(model(image), written.states.last().unwrap().1);
    }
}

#[test]
fn live_registrations_come_in_the_order_they_were_made() {
    let nonce = [7; 16];
    let mut file = header(nonce, HALF, &Owner::current()).unwrap();
    let layout = Layout { header: file.len(), half: HALF };
    file.resize(layout.size(), 0);
    let mut tail = layout.tail(0, nonce, 1);
    write_snapshot(&mut file, &mut tail, &Model::new());
    for (kind, key) in [
        (Kind::Intent, 9),
        (Kind::Intent, 4),
        (Kind::Intent, 7),
        (Kind::Commit, 4),
        (Kind::Forget, 9),
        (Kind::Intent, 1),
    ] {
        let mut frame = vec![0; FRAME];
        Record { kind, key, data: b"" }.write(&mut frame);
        put(&mut file, &mut tail, &mut frame);
    }
    let keys: Vec<_> = Image::read(&file).unwrap().live.iter().map(|live| live.key).collect();
    assert_eq!(keys, [4, 7, 1]);
}

#[test]
fn half_written_last_frame_is_skipped() {
    let mut random = Random(2);
    let mut skipped = 0;
    for _ in 0..1000 {
        let mut written = write(&mut random);
        let [.., (start, before), (end, _)] = &written.states[..] else { continue };
        // A power cut leaves any of the write's sectors out.
        let mut torn = false;
        let mut at = *start;
        while at < *end {
            let next = (at + 1).next_multiple_of(512).min(*end);
            if random.below(2) == 0 && written.file[at..next].iter().any(|byte| *byte != 0) {
                written.file[at..next].fill(0);
                torn = true;
            }
            at = next;
        }
        if torn {
            let image = Image::read(&written.file).unwrap();
            assert_eq!(image.tail.at, *start);
            assert_eq!(model(image), *before);
            skipped += 1;
        }
    }
    assert!(skipped > 300, "{skipped}");
}

/// A withdrawal of a key that has no zero in it, wherever it lies in its sectors.
#[test]
fn damaged_withdrawal_condemns_the_segment_wherever_it_is() {
    const KEY: u64 = 0x1111_1111_1111_1111;
    for room in (0..512).step_by(8) {
        let nonce = [7; 16];
        let mut file = header(nonce, HALF, &Owner::current()).unwrap();
        let layout = Layout { header: file.len(), half: HALF };
        file.resize(layout.size(), 0);
        let mut tail = layout.tail(0, nonce, 1);
        write_snapshot(&mut file, &mut tail, &Model::new());
        let mut frame = vec![0; FRAME];
        Record { kind: Kind::Commit, key: KEY, data: &vec![1; room] }.write(&mut frame);
        put(&mut file, &mut tail, &mut frame);
        let start = tail.at;
        let mut frame = vec![0; FRAME];
        Record { kind: Kind::Forget, key: KEY, data: b"" }.write(&mut frame);
        put(&mut file, &mut tail, &mut frame);
        assert_eq!(Image::read(&file).unwrap().live, []);
        for at in start..tail.at {
            let bit = 1 << ((at + room / 8) % 8);
            file[at] ^= bit;
            assert!(
                matches!(Image::read(&file), Err(Unreadable::Corrupt(_))),
                "flipped {bit} at {at} of {start}..{}",
                tail.at
            );
            file[at] ^= bit;
        }
        // Half of it, as a power cut leaves it.
        let boundary = start.next_multiple_of(512);
        if start < boundary && boundary < tail.at {
            for half in [start..boundary, boundary..tail.at] {
                let mut torn = file.clone();
                torn[half].fill(0);
                let image = Image::read(&torn).unwrap();
                assert_eq!(image.live.len(), 1);
                assert!(image.tail.spoiled > start);
            }
        }
    }
}

#[test]
fn half_written_snapshot_leaves_the_full_half_in_use() {
    let mut random = Random(3);
    let mut cut = 0;
    while cut < 100 {
        let Written { mut file, layout, tail, states } = write(&mut random);
        let half = usize::from(tail.end != layout.size());
        let mut next = layout.tail(half, tail.nonce, tail.generation + 1);
        let (_, alive) = states.last().unwrap();
        let mut other = file.clone();
        let mut snapshot = alive.clone();
        snapshot.retain(|_, (_, done, _)| !*done);
        write_snapshot(&mut other, &mut next, &snapshot);
        file[next.at..next.end].fill(0);
        other[next.at..next.end].fill(0);
        let start = layout.header + half * layout.half;
        let end = start + random.below(next.at - start);
        file[start..end].copy_from_slice(&other[start..end]);
        let image = Image::read(&file).unwrap();
        // The last numbers of a snapshot may be zeros, which were there before.
        assert!(image.tail == tail || file == other, "{:?} {tail:?}", image.tail);
        let is_whole = file == other && image.tail != tail;
        assert_eq!(model(image), if is_whole { snapshot } else { alive.clone() });
        cut += 1;
    }
}

#[test]
fn damage_before_the_last_frame_condemns_the_segment() {
    let mut random = Random(4);
    let mut damaged = 0;
    for _ in 0..1000 {
        let mut written = write(&mut random);
        let [(_, _), .., (end, _), (_, _)] = &written.states[..] else { continue };
        let start = written.tail.end - HALF;
        let at = start + random.below(end - start);
        written.file[at] ^= 1 << random.below(8);
        assert!(
            matches!(Image::read(&written.file), Err(Unreadable::Corrupt(_))),
            "flipped a bit at {at} of {start}..{end}"
        );
        damaged += 1;
    }
    assert!(damaged > 500);
}

#[test]
fn damage_anywhere_never_brings_out_what_was_not_registered() {
    let mut random = Random(5);
    let mut acted_on = 0;
    for _ in 0..2000 {
        let mut written = write(&mut random);
        let at = match random.below(3) {
            0 => random.below(written.file.len()),
            1 => random.below(200),
            _ => written.tail.end - HALF + random.below(written.tail.at + HALF - written.tail.end),
        };
        match random.below(3) {
            0 => written.file[at] ^= 1 << random.below(8),
            1 => written.file[at] = u8::try_from(random.below(256)).unwrap(),
            // As much as a page, which is what a disk loses at a time.
            _ => {
                let end = (at + random.below(PAGE)).min((at + 1).next_multiple_of(PAGE));
                written.file[at..end].fill(0);
            }
        }
        // Alive is what was so at the end, or at an earlier time if the end of the log reads as if
        // it had never been written; never what an older half says.
        if let Ok(image) = Image::read(&written.file) {
            let read = model(image);
            assert!(written.states.iter().any(|(_, state)| *state == read), "{read:?}");
            acted_on += 1;
        }
    }
    assert!(acted_on > 300, "{acted_on}");
}

#[test]
fn full_half_is_out_of_date_once_the_other_is_in_use() {
    let mut random = Random(10);
    let mut lost = 0;
    while lost < 100 {
        let mut written = write(&mut random);
        if written.tail.generation > 1 {
            let start = written.tail.end - HALF;
            written.file[start..written.tail.end].fill(0);
            assert!(matches!(Image::read(&written.file), Err(Unreadable::Corrupt(_))));
            lost += 1;
        }
    }
}

#[test]
fn truncated_segment_is_condemned() {
    let mut random = Random(6);
    for _ in 0..1000 {
        let mut written = write(&mut random);
        written.file.truncate(random.below(written.file.len()));
        assert!(matches!(Image::read(&written.file), Err(Unreadable::Corrupt(_))));
    }
}

#[test]
fn random_bytes_are_condemned() {
    let mut random = Random(7);
    for round in 0..2000 {
        let mut file: Vec<u8> =
            (0..random.below(3 * PAGE)).map(|_| u8::try_from(random.below(256)).unwrap()).collect();
        // Half of them look like a segment at first.
        if round % 2 == 0 && file.len() > 12 {
            file[..8].copy_from_slice(MAGIC);
            file[8..12].copy_from_slice(&VERSION.to_le_bytes());
        }
        assert!(matches!(Image::read(&file), Err(Unreadable::Corrupt(_))));
    }
}

#[test]
fn newer_version_is_told_apart_from_damage() {
    let mut written = write(&mut Random(8));
    written.file[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    assert_eq!(Image::read(&written.file).unwrap_err(), Unreadable::Newer(VERSION + 1));
    // Whatever else that version changed.
    written.file.truncate(40);
    assert_eq!(Image::read(&written.file).unwrap_err(), Unreadable::Newer(VERSION + 1));
    written.file[8..12].fill(0);
    assert_eq!(Image::read(&written.file).unwrap_err(), Unreadable::Older(0));
}

#[test]
fn frame_counts_in_its_own_place_only() {
    let mut random = Random(9);
    let mut written = write(&mut random);
    while written.states.len() < 3 {
        written = write(&mut random);
    }
    // The first frame after the snapshot, once more at the end.
    let [(start, _), (end, _), ..] = &written.states[..] else { unreachable!() };
    let again = written.file[*start..*end].to_vec();
    let at = written.tail.at;
    written.file[at..at + again.len()].copy_from_slice(&again);
    assert!(matches!(Image::read(&written.file), Err(Unreadable::Corrupt(_))));
}
