//! Actions under the attribute, at `survives = exit`: what they were meant for is removed.
#![cfg(target_os = "linux")]

use std::any::Any;
use std::fs;
use std::io;
use std::panic::{self, AssertUnwindSafe, Location};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use backstop::{Action, defer, must_cleanup};

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn observe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        backstop::set_observer(|event| {
            EVENTS.lock().unwrap_or_else(PoisonError::into_inner).push(event.message.clone());
        });
    });
}

/// Whether it was reported that what has this path was left alone.
fn is_reported(path: &Path) -> bool {
    let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let path = format!("{:?} is left alone", path.to_str().unwrap());
    events.iter().any(|event| event.contains(&path))
}

fn panic_of(function: impl FnOnce()) -> String {
    let payload: Box<dyn Any + Send> =
        panic::catch_unwind(AssertUnwindSafe(function)).expect_err("it panics");
    payload.downcast_ref::<String>().expect("a formatted message").clone()
}

#[must_cleanup]
fn deferred_behind(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    defer!(survives = exit, Action::remove_dir_all(path));
    fs::write(path.join("draft"), "text")
}

#[test]
fn an_action_deferred_after_its_thing_was_made_removes_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    deferred_behind(&path).unwrap();
    assert!(!path.exists());
}

#[must_cleanup]
fn deferred_before(path: &Path) -> io::Result<()> {
    defer!(survives = exit, Action::remove_dir_all(path));
    fs::create_dir(path)
}

#[test]
fn an_action_deferred_before_its_thing_is_made_is_refused_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    let message = panic_of(|| deferred_before(&path).unwrap());
    assert!(message.contains("put the cleanup on the statement that makes it"), "{message}");
    assert!(!path.exists());
}

#[must_cleanup]
fn statement(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    fs::create_dir(path)?;
    fs::write(path.join("draft"), "text")
}

#[test]
fn a_guarded_statement() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    statement(&path).unwrap();
    assert!(!path.exists());
}

#[must_cleanup]
fn tail(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    fs::create_dir(path)
}

#[test]
fn what_a_guarded_tail_made_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    tail(&path).unwrap();
    assert!(!path.exists());
}

#[test]
fn what_a_guarded_tail_found_is_left_alone() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    fs::create_dir(&path).unwrap();
    assert_eq!(tail(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(path.exists());
    assert!(is_reported(&path));
}

#[must_cleanup]
fn tail_after_another(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    taken_meanwhile(path)
}

fn taken_meanwhile(path: &Path) -> io::Result<()> {
    fs::create_dir(path).unwrap();
    fs::create_dir(path)
}

#[test]
fn what_appeared_before_a_guarded_tail_that_fails_is_left_alone() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    tail_after_another(&path).unwrap_err();
    assert!(path.exists());
    assert!(is_reported(&path));
}

#[must_cleanup]
fn ensured(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    fs::create_dir_all(path)
}

#[test]
fn what_had_the_name_before_a_guarded_tail_is_left_alone() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    fs::create_dir(&path).unwrap();
    ensured(&path).unwrap();
    assert!(path.exists());
    assert!(is_reported(&path));
}

#[must_cleanup]
fn inner_tail(path: &Path) -> io::Result<()> {
    {
        #[cleanup(Action::remove_dir_all(path), survives = exit)]
        taken_meanwhile(path)
    }?;
    Ok(())
}

#[test]
fn what_appeared_before_the_tail_of_an_inner_block_is_left_alone_and_reported() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    inner_tail(&path).unwrap_err();
    assert!(path.exists());
    assert!(is_reported(&path));
}

#[must_cleanup]
fn returning(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    if path.parent().is_some() {
        fs::create_dir(path)?;
        return Ok(());
    }
    Ok(())
}

#[test]
fn what_a_guarded_statement_made_that_returns_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    returning(&path).unwrap();
    assert!(!path.exists());
}

#[must_cleanup]
fn breaking(path: &Path) -> io::Result<()> {
    loop {
        #[cleanup(Action::remove_dir_all(path), survives = exit)]
        if path.parent().is_some() {
            fs::create_dir(path)?;
            break;
        }
    }
    Ok(())
}

#[test]
fn what_a_guarded_statement_made_that_breaks_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    breaking(&path).unwrap();
    assert!(!path.exists());
}

#[must_cleanup]
fn returning_an_error(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    if let Err(error) = fs::create_dir(path).and_then(|()| fs::create_dir(path)) {
        return Err(error);
    }
    Ok(())
}

#[test]
fn what_a_guarded_statement_made_that_returns_an_error_is_left_alone_and_reported() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    returning_an_error(&path).unwrap_err();
    assert!(path.exists());
    assert!(is_reported(&path));
}

#[must_cleanup]
fn panicking(path: &Path) {
    #[cleanup(Action::remove_dir_all(path), survives = exit)]
    {
        fs::create_dir(path).unwrap();
        panic!("in the statement");
    };
}

#[test]
fn what_a_guarded_statement_made_that_panics_is_left_alone_and_reported() {
    observe();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    panic::catch_unwind(|| panicking(&path)).unwrap_err();
    assert!(path.exists());
    assert!(is_reported(&path));
}

const CLEANUP_WITHOUT_REAPER: u32 = line!() + 4;

#[must_cleanup]
fn without_reaper(path: &Path) -> io::Result<()> {
    #[cleanup(Action::remove_dir_all(dir), survives = kill)]
    let dir = fs::create_dir(path).map(|()| path)?;
    let _ = &dir;
    Ok(())
}

#[test]
fn what_exists_already_is_removed_when_it_cannot_be_registered() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    panic_of(|| drop(without_reaper(&path)));
    assert!(!path.exists());
}

/// Runs `function` in a destructor, during a panic, where a registration that fails is no second one.
fn while_panicking(function: impl FnOnce()) {
    struct Late<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Late<F> {
        fn drop(&mut self) {
            self.0.take().unwrap()();
        }
    }
    let late = Late(Some(function));
    let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _late = late;
        panic!("on purpose");
    }));
    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&"on purpose"));
}

/// Somebody's other file under the same name.
fn replace(path: &Path) -> io::Result<()> {
    fs::rename(path, path.with_extension("moved"))?;
    fs::write(path, "a stranger's")
}

#[must_cleanup]
fn let_without_reaper(path: &Path, meanwhile: fn(&Path) -> io::Result<()>) -> io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = kill)]
    let _file = fs::File::create_new(path)?;
    meanwhile(path)
}

#[must_cleanup]
fn statement_without_reaper(path: &Path, meanwhile: fn(&Path) -> io::Result<()>) -> io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = kill)]
    fs::write(path, "ours")?;
    meanwhile(path)
}

#[test]
fn what_could_not_be_registered_during_a_panic_goes_with_its_guard_and_nothing_else_does() {
    for function in [let_without_reaper as fn(&Path, fn(&Path) -> _) -> _, statement_without_reaper]
    {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("file");
        while_panicking(|| function(&path, |_| Ok(())).unwrap());
        assert!(!path.exists());
        while_panicking(|| function(&path, replace).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a stranger's");
        assert!(path.with_extension("moved").exists());
    }
}

#[must_cleanup]
fn not_identified(path: &Path) -> io::Result<()> {
    fs::write(path, "no socket")?;
    #[cleanup(Action::unlink_socket(path), survives = exit)]
    let _path = path;
    Ok(())
}

#[test]
fn what_could_not_be_identified_is_left_alone_and_the_panic_says_so() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let payload = std::panic::catch_unwind(|| not_identified(&path)).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(
        message.contains("is a file and no socket") && message.contains("left alone"),
        "{message}"
    );
    while_panicking(|| not_identified(&path).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "no socket");
}

#[must_cleanup]
fn exchanged_before_it_is_registered(path: &Path, exchange: &dyn Fn()) -> io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = exit)]
    let _file = fs::File::create_new(path).inspect(|_| exchange())?;
    Ok(())
}

/// A limit: the attribute knows the path, and not what the initialiser has opened.
#[test]
fn what_comes_to_the_path_before_the_registration_is_taken_for_what_was_made() {
    let home = tempfile::tempdir().unwrap();
    let (dir, other) = (home.path().join("dir"), home.path().join("other"));
    fs::create_dir(&dir).unwrap();
    fs::create_dir(&other).unwrap();
    fs::write(other.join("file"), "a stranger's").unwrap();
    let exchange = || {
        fs::rename(&dir, home.path().join("away")).unwrap();
        std::os::unix::fs::symlink(&other, &dir).unwrap();
    };
    exchanged_before_it_is_registered(&dir.join("file"), &exchange).unwrap();
    assert!(!other.join("file").exists());
    assert!(home.path().join("away/file").exists());
}

#[test]
fn a_registration_that_fails_names_the_line_of_its_cleanup() {
    static LINE: Mutex<Option<u32>> = Mutex::new(None);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("dir");
    let before = panic::take_hook();
    // Those of the other tests come here, too.
    let this = std::thread::current().id();
    panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == this {
            *LINE.lock().unwrap() = info.location().map(Location::line);
        }
        before(info);
    }));
    panic_of(|| drop(without_reaper(&path)));
    assert_eq!(LINE.lock().unwrap().take(), Some(CLEANUP_WITHOUT_REAPER));
}
