//! No step of a creation leaves anything behind.

use std::cell::{Cell, RefCell};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use tempfile::TempDir;

use super::{Created, Prepared, dir, file, scratch_dir, scratch_file, socket};
use crate::ladder::action::Performed;

type Step<'a> = &'a dyn Fn(&Prepared) -> io::Result<()>;
type Result = io::Result<(std::path::PathBuf, Prepared)>;

fn parts<T>(created: Created<T>) -> (std::path::PathBuf, Prepared) {
    (created.path(), created.removal)
}

/// All the functions, in a directory.
const ALL: [fn(&Path, Step<'_>, Step<'_>) -> Result; 5] = [
    |yard, intend, commit| dir(&yard.join("name"), intend, commit).map(parts),
    |yard, intend, commit| file(&yard.join("name"), intend, commit).map(parts),
    |yard, intend, commit| socket(&yard.join("name"), intend, commit).map(parts),
    |yard, intend, commit| scratch_dir(Some(yard), intend, commit).map(parts),
    |yard, intend, commit| scratch_file(Some(yard), intend, commit).map(parts),
];

fn count(yard: &Path) -> usize {
    fs::read_dir(yard).unwrap().count()
}

fn sent(prepared: &Prepared) -> Prepared {
    postcard::from_bytes(&postcard::to_allocvec(prepared).unwrap()).unwrap()
}

#[allow(clippy::unnecessary_wraps, reason = "a step")]
fn ok(_: &Prepared) -> io::Result<()> {
    Ok(())
}

fn fail(_: &Prepared) -> io::Result<()> {
    Err(io::Error::other("the journal is full"))
}

#[test]
fn what_is_created_can_be_removed_by_what_was_committed() {
    for create in ALL {
        let yard = TempDir::new().unwrap();
        let committed = RefCell::new(None);
        let keep = |prepared: &Prepared| {
            assert!(prepared.is_committed());
            *committed.borrow_mut() = Some(sent(prepared));
            Ok(())
        };
        let (path, removal) = create(yard.path(), &ok, &keep).unwrap();
        assert!(path.is_absolute() && path.exists());
        assert_eq!(count(yard.path()), 1);
        let committed = committed.take().unwrap();
        assert_eq!(committed, removal);
        assert_eq!(committed.perform().unwrap(), Performed::Done);
        assert_eq!(count(yard.path()), 0);
    }
}

#[test]
fn nothing_is_created_before_it_is_announced() {
    for create in ALL {
        let yard = TempDir::new().unwrap();
        let announced = Cell::new(false);
        let intend = |prepared: &Prepared| {
            assert!(!prepared.is_committed());
            assert_eq!(count(yard.path()), 0);
            announced.set(true);
            fail(prepared)
        };
        let error = create(yard.path(), &intend, &ok).unwrap_err();
        assert!(announced.get() && error.to_string().contains("journal is full"));
        assert_eq!(count(yard.path()), 0);
    }
}

#[test]
fn a_commit_that_fails_leaves_nothing() {
    for create in ALL {
        let yard = TempDir::new().unwrap();
        create(yard.path(), &ok, &fail).unwrap_err();
        assert_eq!(count(yard.path()), 0);
    }
}

/// Killed between the creation and the commit, and right after the commit.
#[test]
fn a_kill_at_any_step_leaves_nothing() {
    for create in ALL {
        for after_commit in [false, true] {
            let yard = TempDir::new().unwrap();
            let announced = RefCell::new(None);
            let intend = |prepared: &Prepared| {
                assert_eq!(prepared.perform().unwrap(), Performed::Gone);
                *announced.borrow_mut() = Some(sent(prepared));
                Ok(())
            };
            let commit = |prepared: &Prepared| {
                assert_eq!(count(yard.path()), 1);
                let left = if after_commit { sent(prepared) } else { announced.take().unwrap() };
                assert_eq!(left.perform().unwrap(), Performed::Done);
                assert_eq!(count(yard.path()), 0);
                Err(io::Error::other("killed"))
            };
            create(yard.path(), &intend, &commit).unwrap_err();
            assert_eq!(count(yard.path()), 0);
        }
    }
}

#[test]
fn a_name_that_is_taken_stays_the_strangers() {
    for create in &ALL[..3] {
        let yard = TempDir::new().unwrap();
        let path = yard.path().join("name");
        // Between the announcement and the creation.
        let take = |_: &Prepared| fs::write(&path, "precious");
        let error = create(yard.path(), &take, &ok).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert!(error.to_string().contains("/name\""), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        fs::remove_file(&path).unwrap();
        // An empty directory, which a plain rename would replace.
        let take = |_: &Prepared| fs::create_dir(&path);
        create(yard.path(), &ok, &take).unwrap_err();
        assert!(path.is_dir());
        assert_eq!(count(yard.path()), 1);
    }
}

#[test]
fn scratch_is_for_our_eyes_only() {
    let yard = TempDir::new().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let scratch = scratch_dir(Some(yard.path()), ok, ok).unwrap();
    assert_eq!(mode(&scratch.path()), 0o700);
    let mut scratch = scratch_file(Some(yard.path()), ok, ok).unwrap();
    assert_eq!(mode(&scratch.path()), 0o600);
    scratch.thing.write_all(b"text").unwrap();
    assert_eq!(fs::read(scratch.path()).unwrap(), b"text");

    let temporary = scratch_dir(None, ok, ok).unwrap();
    assert_eq!(temporary.path().parent().unwrap(), fs::canonicalize(std::env::temp_dir()).unwrap());
    assert_eq!(temporary.removal.perform().unwrap(), Performed::Done);
}

#[test]
fn a_socket_listens_under_its_name_however_long_the_way() {
    let yard = TempDir::new().unwrap();
    let long = yard.path().join("l".repeat(200));
    fs::create_dir(&long).unwrap();
    for parent in [yard.path(), &long] {
        let created = socket(&parent.join("s"), ok, ok).unwrap();
        // Its own way is too long for a client, too.
        std::os::unix::fs::symlink(created.path(), yard.path().join("short")).unwrap();
        let mut client = UnixStream::connect(yard.path().join("short")).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        created.thing.accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        fs::remove_file(yard.path().join("short")).unwrap();
        assert_eq!(created.removal.perform().unwrap(), Performed::Done);
    }
}

#[test]
fn a_link_in_the_place_of_the_directory_leads_no_creation_astray() {
    for create in ALL {
        let (home, victim) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let yard = home.path().join("yard");
        fs::create_dir(&yard).unwrap();
        let swap = |_: &Prepared| {
            fs::rename(&yard, home.path().join("away"))?;
            std::os::unix::fs::symlink(victim.path(), &yard)
        };
        create(&yard, &swap, &ok).unwrap_err();
        assert_eq!(count(victim.path()), 0);
        // It was made in the directory that was open, and removed from it.
        assert_eq!(count(&home.path().join("away")), 0);
    }
}

#[test]
fn another_directory_in_the_place_of_the_directory_gets_nothing() {
    for create in ALL {
        let home = TempDir::new().unwrap();
        let (yard, away) = (home.path().join("yard"), home.path().join("away"));
        fs::create_dir(&yard).unwrap();
        let swap = |_: &Prepared| {
            fs::rename(&yard, &away)?;
            fs::create_dir(&yard)
        };
        let error = create(&yard, &swap, &ok).unwrap_err();
        assert!(error.to_string().contains("was replaced meanwhile"), "{error}");
        assert_eq!((count(&yard), count(&away)), (0, 0));
        // The same, when it has been made already.
        fs::remove_dir(&away).unwrap();
        let error = create(&yard, &ok, &swap).unwrap_err();
        assert!(error.to_string().contains("was replaced meanwhile"), "{error}");
        assert_eq!((count(&yard), count(&away)), (0, 0));
    }
}

/// A program of the same user watches the directory and puts its own thing under the name that
/// nobody could guess, in the instant after the creation.
#[test]
fn what_is_put_in_its_place_before_it_is_identified_is_left_alone() {
    use super::{create, identify_dir, identify_file, identify_socket, make_dir, make_file};
    use crate::ladder::action::Action;

    fn swap(yard: &Path, name: &OsStr, put: impl FnOnce(&Path)) {
        fs::rename(yard.join(name), yard.join("away")).unwrap();
        put(&yard.join(name));
    }
    fn precious(path: &Path) {
        fs::write(path, "precious").unwrap();
    }
    fn whole(yard: &Path) -> bool {
        fs::read_dir(yard).unwrap().any(|entry| {
            let path = entry.unwrap().path();
            fs::read(if path.is_dir() { path.join("file") } else { path })
                .is_ok_and(|text| text == b"precious")
        })
    }
    type Hide = fn(Prepared) -> Prepared;
    for hide in [Prepared::born_hidden as Hide, Prepared::ours] {
        let yard = TempDir::new().unwrap();
        let (yard, path) = (yard.path(), yard.path().join("name"));
        let make = |parent: BorrowedFd<'_>, name: &OsStr| {
            let file = make_file(parent, name, 0o600)?;
            swap(yard, name, precious);
            Ok(file)
        };
        let removal = hide(Action::remove_file(&path).prepare().unwrap());
        // It is the file that is open which is ours.
        let created = create(removal, make, identify_file, ok, ok).unwrap();
        let why = created.removal.perform().unwrap();
        assert!(matches!(why, Performed::LeftAlone(_)), "{why:?}");
        assert!(whole(yard));

        let yard = TempDir::new().unwrap();
        let (yard, path) = (yard.path(), yard.path().join("name"));
        let make = |parent: BorrowedFd<'_>, name: &OsStr| {
            make_dir(parent, name, 0o700)?;
            swap(yard, name, |path| {
                fs::create_dir(path).unwrap();
                precious(&path.join("file"));
            });
            Ok(())
        };
        let removal = hide(Action::remove_dir_all(&path).prepare().unwrap());
        let error = create(removal, make, identify_dir, ok, ok).unwrap_err();
        assert!(error.to_string().contains("another directory"), "{error}");
        assert!(whole(yard));

        let yard = TempDir::new().unwrap();
        let (yard, path) = (yard.path(), yard.path().join("name"));
        let make = |_: BorrowedFd<'_>, name: &OsStr| {
            let listener = UnixListener::bind(yard.join(name))?;
            swap(yard, name, precious);
            Ok(listener)
        };
        let removal = hide(Action::unlink_socket(&path).prepare().unwrap());
        create(removal, make, identify_socket, ok, ok).unwrap_err();
        assert!(whole(yard));
    }
}
