//! Replays in this process, with actions that panic and time that is up.

use std::cell::Cell;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use super::*;
use crate::Action;
use crate::ladder::journal::segment::{Change, Segment, hex, random};

const LONG: Duration = Duration::from_secs(3600);

fn replay_within(
    limit: Duration,
    perform: Perform,
    place: &Place,
    us: &Owner,
) -> io::Result<Recovery> {
    let pause = |_| panic!("nothing is locked");
    replay_in(&Ways { limit, perform, pause: &pause }, place, us)
}

/// What is in memory, as temporary files may be, outlives no start of the system.
fn directory() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// A directory of its own for a test, with a journal in which an owner that is gone has left the
/// files `1`, `2` and `3`.
struct Home(Place);

impl Home {
    fn new() -> Self {
        Self::left_by(Owner::current().of_a_process_that_is_gone(), |_| {})
    }

    /// The same, by this owner, who has done this as well.
    fn left_by(owner: Owner, and_then: impl FnOnce(&mut Segment)) -> Self {
        let home = Self::without_owner();
        let files = home.files();
        home.leave(owner, files.iter().map(Action::remove_file), and_then);
        home
    }

    fn without_owner() -> Self {
        let path = directory().join(format!("backstop-{}", hex(&random().unwrap())));
        fs::create_dir(&path).unwrap();
        let dir = fs::File::open(&path).unwrap();
        let place = Place { dir: dir.into(), path, shared: false };
        Self(place)
    }

    /// Registers these as this owner, who is gone. Files are made.
    fn leave(
        &self,
        owner: Owner,
        actions: impl Iterator<Item = Action>,
        and_then: impl FnOnce(&mut Segment),
    ) {
        let Place { dir, path, shared } = &self.0;
        let place = Place { dir: dir.try_clone().unwrap(), path: path.clone(), shared: *shared };
        let mut segment = Segment::create(Arc::new(place), owner).unwrap();
        for (key, action) in (1..).zip(actions) {
            let mut action = action.prepare().unwrap();
            if let Some(path) = action.path() {
                fs::write(path, "").unwrap();
            }
            action.commit().unwrap();
            let data = data(None, &encoding::encode(&action).unwrap()).unwrap();
            segment.apply(vec![Change { kind: Kind::Commit, key, data }]).pop().unwrap().unwrap();
        }
        and_then(&mut segment);
    }

    fn files(&self) -> [PathBuf; 3] {
        ["1", "2", "3"].map(|name| self.0.path.join(name))
    }

    /// Which of them are there.
    fn left(&self) -> [bool; 3] {
        self.files().map(|file| file.exists())
    }

    /// The files of the journal.
    fn segments(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.0.path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| !self.files().contains(path)).collect()
    }

    fn replay(&self, limit: Duration, perform: Perform) -> Recovery {
        replay_within(limit, perform, &self.0, &Owner::current()).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0.path);
    }
}

/// How much is registered on the disk, where a start would go on if this one were cut off here.
fn left_on_disk(action: &Prepared) -> usize {
    let path = action.path().unwrap();
    let entries = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let segment = entries.into_iter().find(|path| path.to_string_lossy().ends_with(SUFFIX));
    Image::read(&fs::read(segment.unwrap()).unwrap()).unwrap().live.len()
}

/// Sees on the disk that what was run is noted at once.
fn after_the_program(action: &Prepared, limit: Duration) -> io::Result<Performed> {
    if action.path().is_some() {
        assert_eq!(left_on_disk(action), 1);
    }
    action.perform_within(limit)
}

/// Sees on the disk that no more than 64 removals have to be done again.
fn never_far_behind(action: &Prepared, limit: Duration) -> io::Result<Performed> {
    let path = action.path().unwrap();
    let number: usize = path.extension().unwrap().to_str().unwrap().parse().unwrap();
    // Numbers count down to 0: so many are left to do, and this one.
    let left = left_on_disk(action);
    assert!((number + 1..number + 65).contains(&left), "{number}: {left}");
    action.perform_within(limit)
}

#[test]
fn replay_that_is_cut_off_does_not_begin_again() {
    let home = Home::without_owner();
    let program = Action::run(&std::process::Command::new("true"));
    let gone = || Owner::current().of_a_process_that_is_gone();
    let actions = [Action::remove_file(home.files()[0].clone()), program];
    home.leave(gone(), actions.into_iter(), |_| {});
    let recovery = home.replay(LONG, after_the_program);
    assert_eq!((recovery.performed.len(), recovery.failed.len()), (2, 0), "{recovery}");

    let home = Home::without_owner();
    let file = |number: u32| Action::remove_file(home.0.path.join(format!("file.{number}")));
    home.leave(gone(), (0..150).map(file), |_| {});
    let recovery = home.replay(LONG, never_far_behind);
    assert_eq!((recovery.performed.len(), recovery.failed.len()), (150, 0), "{recovery}");
}

/// Replays while somebody has the lock of the only segment, and lets go of it in the first pause.
fn replay_locked(home: &Home) -> (Recovery, u32) {
    let [segment] = <[PathBuf; 1]>::try_from(home.segments()).unwrap();
    let holder = fs::File::open(segment).unwrap();
    flock(&holder, FlockOperation::NonBlockingLockExclusive).unwrap();
    let pauses = Cell::new(0);
    let pause = |_| {
        pauses.set(pauses.get() + 1);
        flock(&holder, FlockOperation::Unlock).unwrap();
    };
    let ways = Ways { limit: LONG, perform: Prepared::perform_within, pause: &pause };
    let recovery = replay_in(&ways, &home.0, &Owner::current()).unwrap();
    (recovery, pauses.get())
}

#[test]
fn the_lock_of_an_owner_that_has_ended_is_waited_for() {
    let home = Home::left_by(Owner::current().of_an_earlier_process(), |_| {});
    let (recovery, pauses) = replay_locked(&home);
    assert_eq!((recovery.performed.len(), pauses), (3, 1), "{recovery}");
    assert_eq!(home.left(), [false; 3], "{recovery}");
}

#[test]
fn the_lock_of_an_owner_that_may_live_is_not_waited_for() {
    for owner in [Owner::current(), Owner::current().of_a_process_that_is_gone()] {
        let home = Home::left_by(owner, |_| {});
        let (recovery, pauses) = replay_locked(&home);
        assert_eq!((recovery.owners_alive, pauses), (1, 0), "{recovery}");
        assert_eq!(home.left(), [true; 3], "{recovery}");
    }
}

/// What a half-written record has left is not taken for damage of those that are written over it.
#[test]
fn notes_replace_what_is_left_of_a_half_written_record() {
    let home = Home::new();
    let [segment] = <[PathBuf; 1]>::try_from(home.segments()).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let tail = Image::read(&bytes).unwrap().tail;
    // The second of its sectors was written, the first was not.
    let second = (tail.at + 64).next_multiple_of(512);
    bytes[second..second + 400].fill(1);
    fs::write(&segment, &bytes).unwrap();
    home.replay(LONG, panics_at_2);
    let image = Image::read(&fs::read(&segment).unwrap()).unwrap();
    assert_eq!((image.live.len(), image.tail.spoiled), (1, 0));
}

/// The file `2` has a bug.
fn panics_at_2(action: &Prepared, limit: Duration) -> io::Result<Performed> {
    let path = action.path().unwrap().into_os_string().into_vec();
    assert!(!path.ends_with(b"/2"), "the second one panics");
    action.perform_within(limit)
}

#[test]
fn panic_of_an_action_is_contained_and_the_others_go_on() {
    let home = Home::new();
    let recovery = home.replay(LONG, panics_at_2);
    assert_eq!(home.left(), [false, true, false], "{recovery}");
    assert_eq!((recovery.performed.len(), recovery.failed.len()), (2, 1), "{recovery}");
    assert!(recovery.failed[0].error.contains("panicked: the second one panics"), "{recovery}");
    // It is tried again, alone.
    let recovery = home.replay(LONG, Prepared::perform_within);
    assert_eq!((recovery.performed.len(), recovery.gone.len()), (1, 0), "{recovery}");
    assert_eq!(home.left(), [false; 3]);
    assert_eq!(home.segments(), [] as [PathBuf; 0]);
}

#[test]
fn what_has_no_time_left_is_for_the_next_start() {
    let home = Home::new();
    let recovery = home.replay(Duration::ZERO, |_, _| unreachable!("there is no time"));
    assert_eq!(home.left(), [true; 3], "{recovery}");
    assert_eq!((recovery.performed.len(), recovery.left_alone.len()), (0, 3), "{recovery}");
    for left in &recovery.left_alone {
        assert!(left.kept && left.reason.contains("the next start does it"), "{recovery}");
    }
    let recovery = home.replay(LONG, Prepared::perform_within);
    assert_eq!(recovery.performed.len(), 3, "{recovery}");
    assert_eq!(home.left(), [false; 3]);
}

#[test]
fn action_has_half_of_the_time_that_is_left() {
    let budget = Budget::new(LONG);
    let share = budget.share().unwrap();
    assert!(share <= LONG / 2 && share > LONG / 4, "{share:?}");
    assert_eq!(Budget::new(Duration::ZERO).share(), None);
    let home = Home::new();
    home.replay(LONG, |action, limit| {
        assert!(limit <= LONG / 2);
        action.perform_within(limit)
    });
    assert_eq!(home.left(), [false; 3]);
}

/// Writes another version of the actions' encoding into the header.
fn with_version(home: &Home, version: u32) -> (PathBuf, Vec<u8>) {
    let [segment] = <[PathBuf; 1]>::try_from(home.segments()).unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    crate::ladder::journal::image::set_actions(&mut bytes, version);
    fs::write(&segment, &bytes).unwrap();
    (segment, bytes)
}

#[test]
fn actions_of_a_newer_version_stay_in_place() {
    let home = Home::new();
    let (segment, bytes) = with_version(&home, encoding::VERSION + 1);
    for _ in 0..2 {
        let recovery = home.replay(LONG, Prepared::perform_within);
        let [left] = &recovery.left_alone[..] else { panic!("{recovery}") };
        assert!(left.kept && left.reason.contains("which a newer backstop reads"), "{recovery}");
        assert_eq!(home.left(), [true; 3], "{recovery}");
    }
    assert_eq!(home.segments(), std::slice::from_ref(&segment));
    assert!(fs::read(segment).unwrap() == bytes);
}

#[test]
fn actions_of_a_version_too_old_are_kept_aside() {
    let home = Home::new();
    let (segment, bytes) = with_version(&home, 0);
    let recovery = home.replay(LONG, Prepared::perform_within);
    let [left] = &recovery.left_alone[..] else { panic!("{recovery}") };
    assert!(!left.kept && left.reason.contains("does not read any more"), "{recovery}");
    assert_eq!(home.left(), [true; 3], "{recovery}");
    let mut aside = segment.into_os_string();
    aside.push(OUTDATED);
    assert_eq!(home.segments(), [PathBuf::from(&aside)]);
    assert!(fs::read(aside).unwrap() == bytes);
    assert_eq!(home.replay(LONG, Prepared::perform_within), Recovery::default());
}

/// An owner that has said of the file `2` that it removed it.
fn has_removed_2(owner: Owner) -> Home {
    Home::left_by(owner, |segment| {
        let done = Change { kind: Kind::Done, key: 2, data: Arc::default() };
        segment.apply(vec![done]).pop().unwrap().unwrap();
    })
}

#[test]
fn what_was_removed_and_came_back_with_a_power_cut_is_removed_again() {
    // It is there, as its removal was not on the disk.
    let home = has_removed_2(Owner::current().of_another_start());
    let recovery = replay_within(LONG, Prepared::perform_within, &home.0, &Owner::of_this_start());
    let recovery = recovery.unwrap();
    assert_eq!((recovery.performed.len(), recovery.gone.len()), (3, 0), "{recovery}");
    assert_eq!(home.left(), [false; 3]);
    assert_eq!(home.segments(), [] as [PathBuf; 0]);
}

#[test]
fn what_was_removed_and_stays_so_is_not_worth_telling() {
    let home = has_removed_2(Owner::current().of_another_start());
    fs::remove_file(&home.files()[1]).unwrap();
    fs::remove_file(&home.files()[2]).unwrap();
    let recovery = replay_within(LONG, Prepared::perform_within, &home.0, &Owner::of_this_start());
    let recovery = recovery.unwrap();
    assert_eq!((recovery.performed.len(), recovery.gone.len()), (1, 1), "{recovery}");
    assert_eq!(home.segments(), [] as [PathBuf; 0]);
}

#[test]
fn while_the_system_runs_what_was_removed_cannot_come_back() {
    let home = has_removed_2(Owner::current().of_a_process_that_is_gone());
    let recovery = home.replay(LONG, Prepared::perform_within);
    assert_eq!(recovery.performed.len(), 2, "{recovery}");
    assert_eq!(home.left(), [false, true, false]);
    assert_eq!(home.segments(), [] as [PathBuf; 0]);
}
