use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::PathBuf;

use rustix::fs::{FlockOperation, flock};

use super::*;
use crate::ladder::journal::image::Image;

/// A directory of its own for a test, wherever that is: what is in memory is refused by
/// [`Place::open`] only.
struct Home(Arc<Place>);

impl Home {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("backstop-{}", hex(&random().unwrap())));
        fs::create_dir(&path).unwrap();
        let dir = fs::File::open(&path).unwrap().into();
        Self(Arc::new(Place { dir, path, shared: false }))
    }

    fn segment(&self) -> Segment {
        Segment::create(Arc::clone(&self.0), Owner::current()).unwrap()
    }

    fn names(&self) -> Vec<OsString> {
        let entries = fs::read_dir(&self.0.path).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    }

    fn only_file(&self) -> PathBuf {
        let names = self.names();
        assert_eq!(names.len(), 1, "{names:?}");
        self.0.path.join(&names[0])
    }

    fn keys(&self) -> Vec<u64> {
        let image = Image::read(&fs::read(self.only_file()).unwrap()).unwrap();
        image.live.iter().map(|live| live.key).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.path);
    }
}

fn change(kind: Kind, key: u64) -> Change {
    let data = if kind.ends() { Vec::new() } else { vec![1; 100] };
    Change { kind, key, data: data.into() }
}

fn one(segment: &mut Segment, kind: Kind, key: u64) -> io::Result<()> {
    segment.apply(vec![change(kind, key)]).pop().unwrap()
}

#[test]
fn changes_are_in_the_file() {
    let home = Home::new();
    let mut segment = home.segment();
    let batch = [1, 2, 3].map(|key| change(Kind::Intent, key)).into();
    assert!(segment.apply(batch).iter().all(Result::is_ok));
    one(&mut segment, Kind::Commit, 2).unwrap();
    one(&mut segment, Kind::Forget, 1).unwrap();
    assert_eq!(home.keys(), [2, 3]);
    assert_eq!(segment.reserved, FRAME + reserve(true, 100) + reserve(false, 100));
}

#[test]
fn what_makes_no_sense_is_refused_and_a_second_withdrawal_is_not_written() {
    let home = Home::new();
    let mut segment = home.segment();
    one(&mut segment, Kind::Intent, 1).unwrap();
    let kind = |result: io::Result<()>| result.unwrap_err().kind();
    assert_eq!(kind(one(&mut segment, Kind::Intent, 1)), io::ErrorKind::InvalidInput);
    let large = Change { kind: Kind::Intent, key: 3, data: vec![0; MAX_DATA + 1].into() };
    assert_eq!(kind(segment.apply(vec![large]).pop().unwrap()), io::ErrorKind::InvalidInput);
    let at = segment.tail.at;
    one(&mut segment, Kind::Forget, 2).unwrap();
    assert_eq!(segment.tail.at, at);
    assert_eq!(home.keys(), [1]);
}

#[test]
fn what_existed_before_it_was_registered_begins_with_its_commit() {
    let home = Home::new();
    let mut segment = home.segment();
    one(&mut segment, Kind::Commit, 5).unwrap();
    assert_eq!(home.keys(), [5]);
    assert_eq!(segment.reserved, FRAME + reserve(true, 100));
    one(&mut segment, Kind::Commit, 5).unwrap();
    one(&mut segment, Kind::Forget, 5).unwrap();
    assert_eq!(home.keys(), []);
    assert_eq!(segment.reserved, FRAME);
}

#[test]
fn dead_records_make_room_without_another_file() {
    let home = Home::new();
    let mut segment = home.segment();
    let file = segment.identity;
    one(&mut segment, Kind::Intent, 0).unwrap();
    for key in 1..2000 {
        one(&mut segment, Kind::Intent, key).unwrap();
        one(&mut segment, Kind::Commit, key).unwrap();
        one(&mut segment, Kind::Forget, key).unwrap();
    }
    assert!(segment.tail.generation > 5, "{}", segment.tail.generation);
    assert_eq!(segment.identity, file);
    assert_eq!(home.keys(), [0]);
}

/// What is not written reads as zeros, by which a half-written record is told from a damaged one.
#[test]
fn behind_the_last_record_there_are_zeros() {
    let home = Home::new();
    let mut segment = home.segment();
    for key in 1..2000 {
        one(&mut segment, Kind::Intent, key).unwrap();
        one(&mut segment, Kind::Forget, key).unwrap();
        if key % 100 == 0 {
            let file = fs::read(home.only_file()).unwrap();
            let tail = &segment.tail;
            assert!(file[tail.at..tail.end].iter().all(|byte| *byte == 0), "{tail:?}");
        }
    }
    assert!(segment.tail.generation > 4, "{}", segment.tail.generation);
}

#[test]
fn rest_of_a_failed_write_is_cleared_by_the_next() {
    let home = Home::new();
    let mut segment = home.segment();
    // As a file of a copying filesystem leaves it on a full disk.
    let at = segment.tail.at;
    write_all(&segment.file, &[1; 1000], at).unwrap();
    segment.tail.spoiled = at + 1000;
    one(&mut segment, Kind::Intent, 1).unwrap();
    assert_eq!(home.keys(), [1]);
    let tail = Image::read(&fs::read(home.only_file()).unwrap()).unwrap().tail;
    assert_eq!((tail.spoiled, tail), (0, segment.tail.clone()));
}

#[test]
fn writes_wait_for_the_disk() {
    let home = Home::new();
    let segment = home.segment();
    let flags = rustix::fs::fcntl_getfl(&segment.file).unwrap();
    assert!(flags.contains(OFlags::DSYNC), "{flags:?}");
}

#[test]
fn directory_that_cannot_be_synchronised_is_no_place_for_a_segment() {
    let home = Home::new();
    // Names can be given in it, and nothing tells when they are on the disk.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let dir = openat(rustix::fs::CWD, &home.0.path, flags, Mode::empty()).unwrap();
    let place = Arc::new(Place { dir, path: home.0.path.clone(), shared: false });
    let e = Segment::create(Arc::clone(&place), Owner::current()).unwrap_err();
    assert!(e.to_string().contains("cannot name a file"), "{e}");
    // And a registration whose file is replaced there is not taken for kept.
    for name in home.names() {
        fs::remove_file(home.0.path.join(name)).unwrap();
    }
    let mut segment = home.segment();
    segment.place = place;
    fs::remove_file(home.only_file()).unwrap();
    let e = one(&mut segment, Kind::Intent, 1).unwrap_err();
    assert!(e.to_string().contains("which of two files will be found"), "{e}");
}

#[test]
fn many_live_registrations_move_to_a_larger_file() {
    let home = Home::new();
    let mut segment = home.segment();
    let file = segment.identity;
    for from in (0..10_000).step_by(500) {
        let batch = (from..from + 500).map(|key| change(Kind::Intent, key)).collect();
        assert!(segment.apply(batch).iter().all(Result::is_ok));
    }
    assert_ne!(segment.identity, file);
    assert_eq!(home.keys(), (0..10_000).collect::<Vec<_>>());
}

/// Keys, and whether it is known that they are done.
fn told(home: &Home) -> Vec<(u64, bool)> {
    let image = Image::read(&fs::read(home.only_file()).unwrap()).unwrap();
    image.live.iter().map(|live| (live.key, live.done)).collect()
}

#[test]
fn what_is_done_stays_in_the_file_until_that_is_on_the_disk() {
    let home = Home::new();
    let mut segment = home.segment();
    for kind in [Kind::Intent, Kind::Commit, Kind::Done] {
        one(&mut segment, kind, 1).unwrap();
    }
    assert_eq!(told(&home), [(1, true)]);
    // It may be told again what the thing is, by a thread that was late: it is to be looked for then.
    one(&mut segment, Kind::Commit, 1).unwrap();
    assert_eq!(told(&home), [(1, false)]);
    one(&mut segment, Kind::Done, 1).unwrap();
    one(&mut segment, Kind::Intent, 2).unwrap();
    assert_eq!(told(&home), [(1, true), (2, false)]);
    // The next snapshot is written behind a sync.
    let left = segment.tail.end - segment.tail.at;
    segment.make_room(left + 1).unwrap();
    assert_eq!(told(&home), [(2, false)]);
    assert_eq!(segment.reserved, FRAME + reserve(false, 100));
    // And there is nothing to be said of it any more.
    let at = segment.tail.at;
    one(&mut segment, Kind::Done, 1).unwrap();
    assert_eq!(segment.tail.at, at);
}

#[test]
fn what_is_done_makes_room_without_another_file() {
    let home = Home::new();
    let mut segment = home.segment();
    let file = segment.identity;
    one(&mut segment, Kind::Intent, 0).unwrap();
    for key in 1..2000 {
        one(&mut segment, Kind::Commit, key).unwrap();
        one(&mut segment, Kind::Done, key).unwrap();
    }
    assert!(segment.tail.generation > 3, "{}", segment.tail.generation);
    assert_eq!(segment.identity, file);
    assert_eq!(told(&home)[0], (0, false));
    assert!(told(&home)[1..].iter().all(|(_, done)| *done));
}

#[test]
fn everything_in_a_full_file_can_be_said_to_be_done_and_be_dealt_with_later() {
    let home = Home::new();
    let mut segment = home.segment();
    fill_the_disk(&mut segment);
    let mut registered = 0;
    while one(&mut segment, Kind::Commit, registered).is_ok() {
        registered += 1;
    }
    for key in 0..registered {
        one(&mut segment, Kind::Done, key).unwrap();
        let room = segment.tail.end - segment.tail.at;
        assert!(room >= home.keys().len() * FORGET, "{key}: {room}");
    }
    one(&mut segment, Kind::Commit, registered).unwrap();
}

/// Lets the segment make no other file.
fn fill_the_disk(segment: &mut Segment) {
    let gone = std::env::temp_dir().join(format!("backstop-{}", hex(&random().unwrap())));
    fs::create_dir(&gone).unwrap();
    let dir = fs::File::open(&gone).unwrap().into();
    fs::remove_dir(&gone).unwrap();
    segment.place = Arc::new(Place { dir, path: gone, shared: false });
}

#[test]
fn without_room_registrations_fail_and_everything_else_goes_on() {
    let home = Home::new();
    let mut segment = home.segment();
    fill_the_disk(&mut segment);
    let mut registered = 0;
    while one(&mut segment, Kind::Intent, registered).is_ok() {
        registered += 1;
    }
    assert!(registered > 80, "{registered}");
    assert_eq!(home.keys(), (0..registered).collect::<Vec<_>>());
    // In one batch with a registration that finds no room.
    let batch = vec![
        change(Kind::Intent, registered),
        change(Kind::Intent, registered + 1),
        change(Kind::Intent, registered + 2),
        change(Kind::Commit, 0),
        change(Kind::Forget, registered - 1),
    ];
    let results = segment.apply(batch);
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 3, "{results:?}");
    assert!(results[..3].iter().all(Result::is_err));
    for key in 1..registered - 1 {
        one(&mut segment, Kind::Commit, key).unwrap();
    }
    for key in 1..registered - 1 {
        one(&mut segment, Kind::Forget, key).unwrap();
    }
    assert_eq!(home.keys(), [0]);
    // Room again, in the same file.
    one(&mut segment, Kind::Intent, registered).unwrap();
    assert_eq!(home.keys(), [0, registered]);
}

#[test]
fn every_registration_of_a_full_file_can_be_withdrawn_by_itself() {
    let home = Home::new();
    let mut segment = home.segment();
    fill_the_disk(&mut segment);
    let mut registered = 0;
    while one(&mut segment, Kind::Intent, registered).is_ok() {
        one(&mut segment, Kind::Commit, registered).unwrap();
        registered += 1;
    }
    let generation = segment.tail.generation;
    for key in 0..registered {
        one(&mut segment, Kind::Forget, key).unwrap();
    }
    assert_eq!(home.keys(), []);
    // In the room that was kept: a replay, which notes what it has done, makes none.
    assert_eq!(segment.tail.generation, generation);
}

#[test]
fn commit_larger_than_what_was_kept_for_it_fails_alone() {
    let home = Home::new();
    let mut segment = home.segment();
    fill_the_disk(&mut segment);
    let mut registered = 0;
    while one(&mut segment, Kind::Intent, registered).is_ok() {
        registered += 1;
    }
    let large = Change { kind: Kind::Commit, key: 0, data: vec![2; MIN_HALF].into() };
    let results = segment.apply(vec![large, change(Kind::Forget, 1)]);
    assert!(results[0].is_err() && results[1].is_ok(), "{results:?}");
    assert_eq!(home.keys(), [vec![0], (2..registered).collect()].concat());
}

#[test]
fn removed_file_is_made_again() {
    let home = Home::new();
    let mut segment = home.segment();
    one(&mut segment, Kind::Intent, 1).unwrap();
    fs::remove_file(home.only_file()).unwrap();
    one(&mut segment, Kind::Intent, 2).unwrap();
    assert_eq!(home.keys(), [1, 2]);
}

#[test]
fn removed_directory_fails_registrations_and_no_withdrawal() {
    let home = Home::new();
    let mut segment = home.segment();
    one(&mut segment, Kind::Intent, 1).unwrap();
    fs::remove_dir_all(&home.0.path).unwrap();
    one(&mut segment, Kind::Intent, 2).unwrap_err();
    one(&mut segment, Kind::Forget, 1).unwrap();
}

#[test]
fn descriptor_that_became_another_files_is_never_written_to() {
    let home = Home::new();
    let mut segment = home.segment();
    let mut other = tempfile_of(&home, "stranger");
    std::mem::swap(&mut segment.file, &mut other);
    let e = one(&mut segment, Kind::Intent, 1).unwrap_err();
    assert!(e.to_string().contains("closed the journal's descriptor"), "{e}");
    assert_eq!(fs::read(home.0.path.join("stranger")).unwrap(), b"");
    // And it stays so.
    std::mem::swap(&mut segment.file, &mut other);
    one(&mut segment, Kind::Forget, 1).unwrap_err();
}

#[test]
fn failed_write_refuses_all_that_comes_later() {
    let home = Home::new();
    let mut segment = home.segment();
    one(&mut segment, Kind::Intent, 1).unwrap();
    // The same file, for reading only: each write is EBADF, an error that no full disk gives.
    let name = home.only_file();
    segment.file = fs::File::open(&name).unwrap().into();
    let e = one(&mut segment, Kind::Intent, 2).unwrap_err();
    assert!(e.to_string().contains("a write failed"), "{e}");
    segment.file = fs::OpenOptions::new().write(true).open(&name).unwrap().into();
    let again = one(&mut segment, Kind::Intent, 3).unwrap_err();
    assert_eq!(again.to_string(), e.to_string());
    assert_eq!(home.keys(), [1]);
}

#[test]
fn full_device_is_an_error_and_not_the_end() {
    let home = Home::new();
    let mut segment = home.segment();
    // Each write to it is ENOSPC, as to a file of a copying filesystem on a full disk.
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap().into();
    let file = std::mem::replace(&mut segment.file, full);
    let stat = fstat(&segment.file).unwrap();
    let identity = std::mem::replace(&mut segment.identity, (stat.st_dev, stat.st_ino));
    let e = one(&mut segment, Kind::Intent, 1).unwrap_err();
    assert_eq!(e.kind(), io::ErrorKind::StorageFull);
    segment.file = file;
    segment.identity = identity;
    one(&mut segment, Kind::Intent, 2).unwrap();
    assert_eq!(home.keys(), [2]);
}

#[test]
fn new_file_is_locked_before_it_has_its_name() {
    let home = Home::new();
    let segment = home.segment();
    let again = fs::File::open(home.only_file()).unwrap();
    assert_eq!(flock(&again, FlockOperation::NonBlockingLockExclusive), Err(Errno::WOULDBLOCK));
    drop(segment);
    // A child that another test starts has the descriptor until it executes.
    flock(&again, FlockOperation::LockExclusive).unwrap();
}

#[test]
fn file_of_an_earlier_attempt_is_no_obstacle() {
    let home = Home::new();
    let name = OsStr::new("x.journal.new");
    fs::write(home.0.path.join(name), b"cut short").unwrap();
    let owner = Owner::current();
    let new =
        NewFile::write(&home.0, "x.journal", &owner, [1; 16], MIN_HALF, snapshot_of([])).unwrap();
    assert_eq!(home.names(), [name]);
    assert_eq!(fs::read(home.0.path.join(name)).unwrap().len(), new.layout.size());
}

fn tempfile_of(home: &Home, name: &str) -> OwnedFd {
    fs::File::create(home.0.path.join(name)).unwrap().into()
}
