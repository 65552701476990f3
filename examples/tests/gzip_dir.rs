//! `gzip_dir` on real directories: what it makes, and that it leaves nothing behind.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use backstop::{CancelCause, CancelToken};
use backstop_examples::gzip::{Error, Job, Report, Step, Summary, gzip_dir};
use flate2::read::GzDecoder;
use tempfile::TempDir;

/// A directory for one test, in which `in` is to be compressed.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.source()).unwrap();
        place
    }

    /// With some files in `in`: `(path, contents)`.
    fn with(files: &[(&str, &[u8])]) -> Self {
        let place = Self::new();
        for (path, contents) in files {
            place.write(path, contents);
        }
        place
    }

    fn write(&self, path: &str, contents: &[u8]) {
        let path = self.source().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn source(&self) -> PathBuf {
        self.path().join("in")
    }

    fn target(&self) -> PathBuf {
        self.path().join("in.gz")
    }

    fn job(&self) -> Job {
        let jobs = NonZero::new(4).unwrap();
        Job { source: self.source(), target: self.target(), jobs, max_bytes: None }
    }

    fn gzip(&self, report: &Report<'_>) -> Result<Summary, Error> {
        gzip_dir(&self.job(), report)
    }

    /// The program, to be run here.
    fn program(&self) -> Command {
        let mut command = support::example("gzip_dir");
        command.current_dir(self.path());
        command
    }

    /// What stands beside `in`.
    fn beside(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| name != "in")
            .collect();
        names.sort();
        names
    }

    #[track_caller]
    fn assert_nothing_left(&self) {
        assert_eq!(self.beside(), [""; 0]);
    }
}

/// Every path below a directory, with the contents of files, those that end in `.gz` decompressed.
fn listing(directory: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let relative = path.strip_prefix(directory).unwrap().to_owned();
            if metadata.is_dir() {
                found.insert(relative, None);
                left.push(path);
            } else {
                assert!(metadata.is_file(), "{}", path.display());
                let mut contents = Vec::new();
                GzDecoder::new(File::open(&path).unwrap()).read_to_end(&mut contents).unwrap();
                found.insert(relative, Some(contents));
            }
        }
    }
    found
}

fn silent(_: Step<'_>) {}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Contents that compression makes no smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u64;
    let step = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(step).collect()
}

#[test]
fn the_new_tree_is_the_old_one_with_its_files_compressed() {
    let large = noise(300_000);
    let place = Place::with(&[
        ("a.txt", b"alpha"),
        ("nothing", b""),
        ("sub/deeper/b", &large),
        ("sub/old.gz", b"not compressed before"),
    ]);
    fs::create_dir_all(place.source().join("empty/within")).unwrap();
    let odd = OsStr::from_bytes(b"latin-\xe9");
    fs::write(place.source().join(odd), b"gamma").unwrap();

    let summary = place.gzip(&silent).unwrap();
    let mut expected: BTreeMap<PathBuf, Option<Vec<u8>>> = BTreeMap::new();
    for directory in ["sub", "sub/deeper", "empty", "empty/within"] {
        expected.insert(directory.into(), None);
    }
    expected.insert("a.txt.gz".into(), Some(b"alpha".to_vec()));
    expected.insert("nothing.gz".into(), Some(Vec::new()));
    expected.insert("sub/deeper/b.gz".into(), Some(large));
    expected.insert("sub/old.gz.gz".into(), Some(b"not compressed before".to_vec()));
    expected.insert(OsStr::from_bytes(b"latin-\xe9.gz").into(), Some(b"gamma".to_vec()));
    assert_eq!(listing(&place.target()), expected);
    assert_eq!(place.beside(), ["in.gz"]);

    let sizes = |directory: &Path, paths: &[&Path]| -> u64 {
        paths.iter().map(|path| fs::metadata(directory.join(path)).unwrap().len()).sum()
    };
    let files: Vec<&Path> = expected
        .iter()
        .filter(|(_, contents)| contents.is_some())
        .map(|(path, _)| path.as_path())
        .collect();
    assert_eq!(summary.files, 5);
    assert_eq!(summary.read, 300_000 + 5 + 5 + 21);
    assert_eq!(summary.written, sizes(&place.target(), &files));
}

#[test]
fn permissions_and_times_are_kept() {
    let place = Place::with(&[("run.sh", b"#!/bin/sh"), ("closed/secret", b"x")]);
    let source = place.source();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(source.join("run.sh")).unwrap().set_modified(time).unwrap();
    for (path, mode) in
        [("run.sh", 0o750), ("closed/secret", 0o400), ("closed", 0o500), (".", 0o711)]
    {
        fs::set_permissions(source.join(path), Permissions::from_mode(mode)).unwrap();
    }

    place.gzip(&silent).unwrap();
    let metadata = |path: &str| fs::metadata(place.target().join(path)).unwrap();
    assert_eq!(metadata("run.sh.gz").mode() & 0o7777, 0o750);
    assert_eq!(metadata("closed/secret.gz").mode() & 0o7777, 0o400);
    assert_eq!(metadata("closed").mode() & 0o7777, 0o500);
    assert_eq!(metadata(".").mode() & 0o7777, 0o711);
    assert_eq!(metadata("run.sh.gz").modified().unwrap(), time);
}

#[test]
fn an_empty_directory_becomes_an_empty_directory() {
    let place = Place::new();
    assert_eq!(place.gzip(&silent).unwrap(), Summary { files: 0, read: 0, written: 0 });
    assert_eq!(listing(&place.target()), BTreeMap::new());
}

#[test]
fn links_and_special_files_are_left_out_and_said() {
    let place = Place::with(&[("a", b"alpha")]);
    fs::write(place.path().join("outside"), b"secret").unwrap();
    symlink(place.path().join("outside"), place.source().join("link")).unwrap();
    symlink(place.path(), place.source().join("up")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, place.source().join("pipe"), 0o600.into()).unwrap();

    let output = place.program().arg("in").output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        stderr(&output),
        "skipped `link`: a symbolic link\nskipped `pipe`: not a regular file\n\
         skipped `up`: a symbolic link\n"
    );
    assert_eq!(listing(&place.target()).into_keys().collect::<Vec<_>>(), [Path::new("a.gz")]);
}

#[test]
fn a_file_that_vanishes_leaves_nothing_behind() {
    let place = Place::with(&[("a", &noise(200_000)), ("b", b"beta"), ("c", b"gamma")]);
    let gone = place.source().join("b");
    let result = place.gzip(&|step| {
        if matches!(step, Step::Listed { .. }) {
            fs::remove_file(&gone).unwrap();
        }
    });
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Read { path, .. } if path.ends_with("in/b")), "{error}");
    assert!(error.help().contains("no other program"));
    place.assert_nothing_left();
}

#[test]
fn a_file_that_became_a_link_is_not_followed() {
    let place = Place::with(&[("a", b"alpha")]);
    fs::write(place.path().join("in/../secret"), b"secret").unwrap();
    let result = place.gzip(&|step| {
        if matches!(step, Step::Listed { .. }) {
            fs::remove_file(place.source().join("a")).unwrap();
            symlink("../secret", place.source().join("a")).unwrap();
        }
    });
    assert!(matches!(result, Err(Error::Read { .. })), "{result:?}");
    assert_eq!(place.beside(), ["secret"]);
}

#[test]
fn an_unreadable_file_is_named_and_leaves_nothing_behind() {
    let place = Place::with(&[("a", b"alpha"), ("sub/locked", b"beta")]);
    fs::set_permissions(place.source().join("sub/locked"), Permissions::from_mode(0o000)).unwrap();
    let mut command = place.program();
    if rustix::process::geteuid().is_root() {
        // Root may read everything: somebody else has to run a copy of the program.
        let copy = place.source().join("../program");
        // By another process: where this one has a program open to write, the descriptor may be in
        // the child that another test is just about to start, and the program cannot run yet.
        assert!(
            Command::new("cp").arg(command.get_program()).arg(&copy).status().unwrap().success()
        );
        fs::set_permissions(place.path(), Permissions::from_mode(0o777)).unwrap();
        command = Command::new(&copy);
        command.current_dir(place.path()).uid(65_534).gid(65_534);
    }
    let output = command.arg("in").output().unwrap();
    let _ = fs::remove_file(place.path().join("program"));

    assert_eq!(output.status.code(), Some(1));
    let stderr = stderr(&output);
    let path = fs::canonicalize(place.source()).unwrap().join("sub/locked");
    assert!(stderr.contains(&format!("error: cannot read `{}`: ", path.display())), "{stderr}");
    assert!(stderr.contains("help: make it readable"), "{stderr}");
    place.assert_nothing_left();
}

#[test]
fn a_full_limit_leaves_nothing_behind() {
    let place = Place::with(&[("a", &noise(50_000)), ("b", &noise(60_000)), ("c", &noise(70_000))]);
    let output = place.program().args(["in", "--max-bytes", "100000"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = stderr(&output);
    assert!(stderr.starts_with("error: the limit of 100000 bytes was reached at `"), "{stderr}");
    assert!(stderr.contains("help: raise `--max-bytes`"), "{stderr}");
    place.assert_nothing_left();
}

#[test]
fn the_limit_may_be_reached_exactly() {
    let place = Place::with(&[("a", &noise(50_000)), ("b", &noise(60_000))]);
    let written = place.gzip(&silent).unwrap().written;
    let job = |max_bytes| Job {
        target: place.path().join("again"),
        max_bytes: Some(max_bytes),
        ..place.job()
    };
    assert!(matches!(gzip_dir(&job(written - 1), &silent), Err(Error::Full { .. })));
    assert_eq!(gzip_dir(&job(written), &silent).unwrap().written, written);
    assert_eq!(place.beside(), ["again", "in.gz"]);
}

#[test]
fn a_panicking_worker_leaves_nothing_behind_and_its_panic_goes_on() {
    let place = Place::with(&[("a", &noise(200_000)), ("b", b"beta"), ("c", &noise(200_000))]);
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        place.gzip(&|step| {
            if let Step::Started(path) = step {
                assert!(!path.ends_with("b"), "no mood for b");
            }
        })
    }));
    let payload = unwound.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"no mood for b"));
    place.assert_nothing_left();
}

#[test]
fn a_failing_file_stops_the_others() {
    let names: Vec<String> = (0..50).map(|number| format!("{number:02}")).collect();
    let place = Place::new();
    for name in &names {
        place.write(name, &noise(1_000));
    }
    let started = AtomicUsize::new(0);
    let one = NonZero::<usize>::MIN;
    let result = gzip_dir(&Job { jobs: one, ..place.job() }, &|step| match step {
        Step::Listed { .. } => fs::remove_file(place.source().join("00")).unwrap(),
        Step::Started(_) => {
            started.fetch_add(1, Ordering::Relaxed);
        }
        _ => {}
    });
    assert!(matches!(&result, Err(Error::Read { path, .. }) if path.ends_with("00")), "{result:?}");
    // One at a time: the second may have been waiting for the first one's place.
    assert!(started.into_inner() <= 2);
    place.assert_nothing_left();
}

#[test]
fn no_more_files_than_jobs_are_compressed_at_once() {
    let place = Place::new();
    for number in 0..20 {
        place.write(&number.to_string(), &noise(20_000));
    }
    let (running, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let jobs = NonZero::new(3).unwrap();
    let report = |step: Step<'_>| match step {
        Step::Started(_) => {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        }
        Step::Finished(_) => {
            running.fetch_sub(1, Ordering::SeqCst);
        }
        _ => {}
    };
    gzip_dir(&Job { jobs, ..place.job() }, &report).unwrap();
    assert!((1..=3).contains(&most.into_inner()));
}

#[test]
fn cancelling_leaves_nothing_behind() {
    let place = Place::with(&[("a", &noise(200_000)), ("b", b"beta")]);
    let token = CancelToken::new();
    let result = token.as_ambient(|| {
        place.gzip(&|step| {
            if let Step::Read(_) = step {
                token.cancel();
            }
        })
    });
    let Err(Error::Cancelled(cancelled)) = result else { panic!("{result:?}") };
    assert_eq!(cancelled.cause, CancelCause::Requested);
    place.assert_nothing_left();
}

#[test]
fn an_existing_target_is_refused_before_anything_is_made() {
    let place = Place::with(&[("a", b"alpha")]);
    fs::create_dir(place.target()).unwrap();
    let steps = AtomicUsize::new(0);
    let result = place.gzip(&|_| {
        steps.fetch_add(1, Ordering::Relaxed);
    });
    assert!(matches!(result, Err(Error::TargetExists { .. })), "{result:?}");
    assert_eq!(steps.into_inner(), 0);

    let output = place.program().arg("in").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("in.gz` exists already\n  help: remove it"));
    assert_eq!(place.beside(), ["in.gz"]);
    assert_eq!(fs::read_dir(place.target()).unwrap().count(), 0);
}

#[test]
fn a_target_that_appears_meanwhile_is_not_replaced() {
    let place = Place::with(&[("a", b"alpha")]);
    let result = place.gzip(&|step| {
        if matches!(step, Step::Listed { .. }) {
            // Empty: a plain rename would replace it.
            fs::create_dir(place.target()).unwrap();
        }
    });
    assert!(matches!(result, Err(Error::TargetExists { .. })), "{result:?}");
    assert_eq!(place.beside(), ["in.gz"]);
    assert_eq!(fs::read_dir(place.target()).unwrap().count(), 0);
}

#[test]
fn a_file_and_a_directory_of_one_name_are_refused() {
    let place = Place::with(&[("a", b"alpha"), ("a.gz/b", b"beta")]);
    let result = place.gzip(&silent);
    assert!(matches!(result, Err(Error::SameName { .. })), "{result:?}");
    place.assert_nothing_left();
}

#[test]
fn a_target_inside_the_source_is_refused() {
    let place = Place::with(&[("a", b"alpha")]);
    let target = place.source().join("new");
    let result = gzip_dir(&Job { target, ..place.job() }, &silent);
    assert!(matches!(result, Err(Error::TargetInside { .. })), "{result:?}");
    assert_eq!(fs::read_dir(place.source()).unwrap().count(), 1);
}

#[test]
fn a_source_that_is_missing_or_no_directory_is_refused() {
    let place = Place::with(&[("a", b"alpha")]);
    for (source, expected) in [("in/a", "is not a directory"), ("nowhere", "cannot read `nowhere`")]
    {
        let output = place.program().arg(source).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    place.assert_nothing_left();
}

#[test]
fn the_program_compresses_and_says_so() {
    let place = Place::with(&[("a", b"alpha"), ("sub/b", b"beta")]);
    let output = place.program().args(["in", "--out", "out", "--jobs", "2"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    // No bar where stderr is no terminal.
    assert_eq!(stderr(&output), "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("2 files, 9 B -> "), "{stdout}");
    assert_eq!(place.beside(), ["out"]);
    assert_eq!(listing(&place.path().join("out")).len(), 3);
}

#[test]
fn a_wrong_command_line_is_told_apart() {
    let place = Place::new();
    for (arguments, expected) in [
        (&[][..], "the directory to compress is missing"),
        (&["in", "--jobs", "0"], "--jobs"),
        (&["in", "--max-bytes", "many"], "--max-bytes"),
        (&["in", "--fast"], "--fast"),
        (&["in", "other"], "other"),
    ] {
        let output = place.program().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).starts_with("error: "), "{}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
    let output = place.program().arg("--help").output().unwrap();
    assert!(output.status.success());
    assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: gzip_dir DIR"));
    place.assert_nothing_left();
}
