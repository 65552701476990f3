//! `kill -9` at random instants: what was promised holds.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use backstop::__private::journal::recover_in;

#[test]
fn killed_at_random_instants_loses_nothing_and_removes_nothing_else() {
    let mut random = 88_172_645_463_325_252_u64;
    let mut committed = 0;
    for round in 0..105 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        // Few registrations alive compact often, many grow the file.
        let held = [2, 40, 300][round % 3];
        committed += round_of_work(random, 1 + random % 400, held);
    }
    assert!(committed > 1000, "{committed}");
}

/// Kills after so many lines; returns how many files were to be removed.
fn round_of_work(seed: u64, lines: u64, held: u64) -> usize {
    let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let (journal, files) = (home.path().join("journal"), home.path().join("files"));
    fs::create_dir(&files).unwrap();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_journal_work"))
        .args([&journal, &files])
        .args([seed.to_string(), held.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(worker.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut steps: Vec<_> = said.by_ref().take(usize::try_from(lines).unwrap()).collect();
    worker.kill().unwrap();
    assert_eq!(worker.wait().unwrap().signal(), Some(libc::SIGKILL));
    steps.extend(said);

    let keys = |what: &str| -> BTreeSet<String> {
        let key = |step: &String| Some(step.strip_prefix(what)?.trim().to_owned());
        steps.iter().filter_map(key).collect()
    };
    let (committed, withdrawing, dismissed) =
        (keys("committed"), keys("withdrawing"), keys("dismissed"));
    let to_be_removed: BTreeSet<_> = committed.difference(&withdrawing).collect();

    let recovery = recover_in(&journal).unwrap();
    assert_eq!((&recovery.failed[..], recovery.owners_alive), (&[][..], 0), "{recovery}");
    assert_eq!(names(&journal), [""; 0], "nothing is left of the journal: {recovery}");
    for key in &to_be_removed {
        assert!(!files.join(key).exists(), "{key} was committed and is still there: {recovery}");
    }
    for key in &dismissed {
        assert!(files.join(key).exists(), "{key} was dismissed and is gone: {recovery}");
    }
    to_be_removed.len()
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
