//! The built examples, as processes.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A command that runs the example, built first where it is not up to date.
pub(crate) fn example(name: &'static str) -> Command {
    static BUILT: LazyLock<Mutex<HashMap<&str, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    Command::new(built.entry(name).or_insert_with(|| build(name)))
}

fn build(name: &str) -> PathBuf {
    // The whole workspace, so that the features of the dependencies are those that this very test
    // was built with, and nothing is built twice.
    let cargo = escargot::CargoBuild::new().args(["--workspace"]).example(name);
    match cargo.current_release().current_target().run() {
        Ok(built) => built.path().to_owned(),
        Err(error) => panic!("cannot build the example `{name}`: {error}"),
    }
}
