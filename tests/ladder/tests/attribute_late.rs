//! A guarded statement that is still running when the exit hook has run its cleanup. One test in this
//! file: afterwards the process is past its cleanups.

use std::fs;
use std::path::Path;
use std::time::Duration;

use backstop::{Action, must_cleanup};

fn make_late(path: &Path) -> std::io::Result<()> {
    // As if another thread called `process::exit` in the middle of the statement.
    assert_eq!(backstop::__private::run_exit(Duration::from_secs(120)).0, 1);
    fs::write(path, "")
}

#[must_cleanup]
fn announced(path: &Path) -> std::io::Result<bool> {
    #[cleanup(Action::remove_file(path), survives = exit)]
    make_late(path)?;
    Ok(path.exists())
}

#[test]
fn what_a_statement_makes_after_the_hook_has_run_its_cleanup_is_removed_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    assert!(!announced(&dir.path().join("late")).unwrap());
}
