//! `survives = exit` under the attribute, where the process does not end: everything that holds for
//! a guard holds for one that climbs.
#![allow(clippy::forget_non_drop, reason = "the handle is not the guard, as is tested")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use backstop::{Action, Guard, defer, must_cleanup};

/// What ran, in order; cleanups that survive `exit` own what they use.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, entry: &str) {
        self.0.lock().unwrap().push(entry.to_owned());
    }

    /// A cleanup that writes an entry.
    fn noting(&self, entry: &str) -> impl FnOnce() + Send + 'static + use<> {
        let (log, entry) = (self.clone(), entry.to_owned());
        move || log.note(&entry)
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }
}

/// A value whose end shows in the log.
struct Value(Log, &'static str);

impl Drop for Value {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Return,
    Question,
    Panic,
    Dismiss,
    Drop,
    Forget,
}

const WAYS: [Way; 6] =
    [Way::Return, Way::Question, Way::Panic, Way::Dismiss, Way::Drop, Way::Forget];

#[must_cleanup(allow(mem_forget, reason = "the handle is not the guard"))]
fn leave(log: &Log, way: Way) -> Result<(), String> {
    #[cleanup(log.noting("always"), survives = exit)]
    let value = Value(log.clone(), "value");
    #[cleanup(log.noting("failure"), on = failure, survives = exit)]
    let _other: u8 = 1;
    defer!(survives = exit, log.noting("defer"));
    log.note("body");
    match way {
        Way::Return => {}
        Way::Question => Err("refused".to_owned())?,
        Way::Panic => panic!("body"),
        Way::Dismiss => drop(Guard::dismiss(value)),
        Way::Drop => {
            drop(value);
            log.note("on");
        }
        Way::Forget => std::mem::forget(value),
    }
    Ok(())
}

#[test]
fn a_registered_cleanup_runs_once_on_every_way_out_and_its_value_is_dropped_behind_it() {
    let expected = [
        "body defer always value",
        "body defer failure always value",
        "body defer failure always value",
        "body value defer",
        "body always value on defer",
        "body defer always value",
    ];
    for (way, expected) in WAYS.into_iter().zip(expected) {
        let log = Log::default();
        let _ = catch_unwind(AssertUnwindSafe(|| leave(&log, way)));
        assert_eq!(log.take(), expected);
    }
}

#[must_cleanup]
fn announce(log: &Log, fails: bool) -> Result<u8, String> {
    #[cleanup(log.noting("retract"), survives = exit)]
    if fails { Err("not made".to_owned()) } else { Ok(()) }?;
    log.note("announced");
    Ok(1)
}

#[test]
fn a_guarded_statement_that_fails_withdraws_its_cleanup() {
    let log = Log::default();
    assert_eq!(announce(&log, false), Ok(1));
    assert_eq!(log.take(), "announced retract");
    assert!(announce(&log, true).is_err());
    assert_eq!(log.take(), "");
}

#[must_cleanup]
fn turns(log: &Log) {
    for turn in 0..3 {
        #[cleanup(log.noting(&turn.to_string()), survives = exit)]
        let turn = turn * 10;
        if *turn == 10 {
            continue;
        }
        log.note("work");
    }
}

#[test]
fn the_expression_sees_the_value_and_runs_in_each_turn() {
    let log = Log::default();
    turns(&log);
    assert_eq!(log.take(), "work 0 10 work 20");
}

#[must_cleanup]
fn of_the_value(log: &Log, dir: String) -> usize {
    #[cleanup({ let (log, dir) = (log.clone(), dir.clone()); move || log.note(&dir) }, survives = exit)]
    let mut dir: String = dir;
    dir.push_str("/sub");
    dir.len()
}

#[test]
fn the_value_can_be_changed_after_its_cleanup_was_evaluated() {
    let log = Log::default();
    assert_eq!(of_the_value(&log, "d".to_owned()), 5);
    assert_eq!(log.take(), "d");
}

#[must_cleanup]
fn with_actions(dir: &Path, fails: bool) -> Result<(), String> {
    let text = |error: std::io::Error| error.to_string();
    #[cleanup(Action::remove_file(dir.join("let")), survives = exit)]
    let _file = fs::File::create(dir.join("let")).map_err(text)?;
    fs::create_dir(dir.join("deferred")).map_err(text)?;
    defer!(survives = exit, Action::remove_dir_all(dir.join("deferred")));
    #[cleanup(Action::remove_file(dir.join("statement")), survives = exit)]
    if fails {
        Err("not made".to_owned())
    } else {
        fs::write(dir.join("statement"), "").map_err(text)
    }?;
    assert_eq!(fs::read_dir(dir).unwrap().count(), 3);
    Ok(())
}

#[test]
fn actions_of_a_let_a_statement_and_a_defer_remove_what_was_made() {
    let dir = tempfile::tempdir().unwrap();
    for fails in [false, true] {
        assert_eq!(with_actions(dir.path(), fails).is_err(), fails);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[must_cleanup]
fn too_early(dir: &Path) {
    #[cleanup(Action::remove_file(&file), survives = exit)]
    let file = dir.join("not-yet");
    fs::write(&*file, "").unwrap();
}

#[test]
fn an_action_about_nothing_is_refused_in_words_where_it_is_declared() {
    let dir = tempfile::tempdir().unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| too_early(dir.path()))).unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    let parts = ["survives `exit`", "not-yet", "put the cleanup on the statement that makes it"];
    assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
