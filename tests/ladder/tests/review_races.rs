//! Ends of a process that come between the announcement of a thing and its creation.
#![cfg(target_os = "linux")]

use std::collections::HashSet;
use std::future::{Future as _, pending};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};
use std::{env, fs};

use backstop::__private::{Site, exit_entry, set_exit_limit};
use backstop::{Action, Survives, create_file, must_cleanup, scratch};
use backstop_tests_ladder::pause::Pause;

const PART: &str = "BACKSTOP_REVIEW_DIR";

/// Runs a part below in a process of its own.
fn part(name: &str, home: &Path) -> ExitStatus {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .env(PART, home)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
}

fn home() -> PathBuf {
    env::var_os(PART).map(PathBuf::from).expect("run by its test")
}

fn left(home: &Path) -> usize {
    fs::read_dir(home).unwrap().count()
}

/// As many threads as create and remove in a storm.
const THREADS: usize = 8;

/// Exits in the middle of the storm, once each of its threads has come round.
fn exit_once_all_run(running: &mpsc::Receiver<ThreadId>) -> ! {
    let mut seen = HashSet::new();
    while seen.len() < THREADS {
        seen.insert(running.recv().unwrap());
    }
    std::process::exit(7)
}

#[test]
#[ignore = "run by the test below"]
fn part_scratch_storm() {
    let home = home();
    let (runs, running) = mpsc::channel();
    for _ in 0..THREADS {
        let (home, runs) = (home.clone(), runs.clone());
        thread::spawn(move || {
            loop {
                let _dir = scratch::dir_in(&home, Survives::Exit);
                let _file =
                    create_file(home.join(format!("{:?}", thread::current().id())), Survives::Exit);
                let _ = runs.send(thread::current().id());
            }
        });
    }
    exit_once_all_run(&running);
}

#[test]
fn nothing_is_left_of_what_helpers_were_creating_when_the_process_exited() {
    let mut sum = 0;
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(part("part_scratch_storm", home.path()).code(), Some(7));
        sum += left(home.path());
    }
    assert_eq!(sum, 0, "left in 20 rounds");
}

#[must_cleanup]
fn guarded_file(path: &Path) -> std::io::Result<()> {
    #[cleanup(Action::remove_file(path), survives = exit)]
    fs::write(path, "x")?;
    Ok(())
}

#[test]
#[ignore = "run by the test below"]
fn part_statement_storm() {
    let home = home();
    let (runs, running) = mpsc::channel();
    for number in 0..THREADS {
        let (path, runs) = (home.join(number.to_string()), runs.clone());
        thread::spawn(move || {
            loop {
                let _ = guarded_file(&path);
                let _ = runs.send(thread::current().id());
            }
        });
    }
    exit_once_all_run(&running);
}

#[test]
fn nothing_is_left_of_what_guarded_statements_were_creating_when_the_process_exited() {
    let mut sum = 0;
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(part("part_statement_storm", home.path()).code(), Some(7));
        sum += left(home.path());
    }
    assert_eq!(sum, 0, "left in 20 rounds");
}

static SITE: Site = Site::new("review");

#[test]
#[ignore = "run by the test below"]
fn part_late_scratch() {
    let home = home();
    let (begun, ending) = mpsc::channel();
    // The hook is busy with this for a while, in which others register.
    let slow = exit_entry(&SITE, move || {
        begun.send(()).unwrap();
        thread::sleep(Duration::from_millis(500));
    });
    thread::spawn(move || {
        ending.recv().unwrap();
        let _dir = scratch::dir_in(&home, Survives::Exit);
        thread::sleep(Duration::from_secs(60));
    });
    std::mem::forget(slow);
    std::process::exit(7);
}

#[test]
fn what_a_helper_creates_while_the_process_is_ending_is_removed() {
    let home = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    assert_eq!(part("part_late_scratch", home.path()).code(), Some(7));
    assert!(begin.elapsed() < Duration::from_secs(4));
    assert_eq!(left(home.path()), 0);
}

#[test]
#[ignore = "run by the test below"]
fn part_scratch_in_cleanup() {
    let home = home();
    let entry = exit_entry(&SITE, move || {
        let dir = scratch::dir_in(&home, Survives::Exit).unwrap();
        fs::write(dir.path().join("work"), "x").unwrap();
        drop(dir);
        fs::write(home.join("well"), "x").unwrap();
    });
    std::mem::forget(entry);
    std::process::exit(7);
}

#[test]
fn an_exit_cleanup_may_use_scratch_and_it_goes() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_scratch_in_cleanup", home.path()).code(), Some(7));
    let names: Vec<_> =
        fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["well"]);
}

#[must_cleanup]
fn closed_file(path: &Path) -> std::io::Result<()> {
    let own = path.to_owned();
    #[cleanup(move || drop(fs::remove_file(own)), survives = exit)]
    fs::write(path, "x")?;
    Ok(())
}

#[test]
#[ignore = "run by the test below"]
fn part_closure_storm() {
    let home = home();
    let (runs, running) = mpsc::channel();
    for number in 0..THREADS {
        let (path, runs) = (home.join(number.to_string()), runs.clone());
        thread::spawn(move || {
            loop {
                let _ = closed_file(&path);
                let _ = runs.send(thread::current().id());
            }
        });
    }
    exit_once_all_run(&running);
}

#[test]
fn nothing_is_left_of_what_statements_with_closures_were_creating_when_the_process_exited() {
    let mut sum = 0;
    for _ in 0..20 {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(part("part_closure_storm", home.path()).code(), Some(7));
        sum += left(home.path());
    }
    assert_eq!(sum, 0, "left in 20 rounds");
}

/// The hook runs this first, which tells that it has begun.
fn tell_of_the_end() -> mpsc::Receiver<()> {
    let (tell, ending) = mpsc::channel();
    std::mem::forget(exit_entry(&SITE, move || tell.send(()).unwrap()));
    ending
}

#[must_cleanup]
fn late_file(path: &Path, begun: &mpsc::Sender<()>) -> std::io::Result<()> {
    let own = path.to_owned();
    let ending = tell_of_the_end();
    #[cleanup(move || fs::remove_file(own), survives = exit)]
    write_at_the_end(path, begun, &ending)?;
    Ok(())
}

fn write_at_the_end(
    path: &Path,
    begun: &mpsc::Sender<()>,
    ending: &mpsc::Receiver<()>,
) -> std::io::Result<()> {
    begun.send(()).unwrap();
    ending.recv().unwrap();
    fs::write(path, "x")
}

#[test]
#[ignore = "run by the test below"]
fn part_late_file() {
    let path = home().join("file");
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || late_file(&path, &begun));
    begins.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn what_a_statement_makes_while_the_process_is_ending_is_removed_by_its_closure() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_late_file", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}

#[must_cleanup]
fn serve(path: &Path, begun: &mpsc::Sender<()>, end: impl FnOnce()) {
    let own = path.to_owned();
    #[cleanup(move || fs::remove_file(own), survives = exit)]
    {
        fs::write(path, "x").unwrap();
        begun.send(()).unwrap();
        end();
    };
}

#[must_cleanup]
async fn late_file_async(path: &Path, begun: &mpsc::Sender<()>) -> std::io::Result<()> {
    let own = path.to_owned();
    let ending = tell_of_the_end();
    #[cleanup(move || fs::remove_file(own), survives = exit)]
    {
        // Not in its first turn, which may be any thread's.
        Pause::default().await;
        write_at_the_end(path, begun, &ending)?;
        pending::<()>().await;
    };
    Ok(())
}

#[test]
#[ignore = "run by the test below"]
fn part_late_file_async() {
    let path = home().join("file");
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || {
        let mut future = pin!(late_file_async(&path, &begun));
        let mut context = Context::from_waker(Waker::noop());
        // It is the hook that lets the second turn end.
        while future.as_mut().poll(&mut context).is_pending() {
            thread::yield_now();
        }
    });
    begins.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn what_an_async_statement_makes_while_the_process_is_ending_is_removed_where_it_is_suspended() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_late_file_async", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}

/// Goes on to make its file once the cleanup has run.
#[must_cleanup]
async fn goes_on(path: &Path, tell: mpsc::Sender<()>, is_over: mpsc::Receiver<()>) {
    let own = path.to_owned();
    #[cleanup(move || {
        let removed = fs::remove_file(own).is_ok();
        tell.send(()).unwrap();
        // So that the process does not end before it could have gone on.
        is_over.recv().unwrap();
        assert!(!removed);
    }, survives = exit)]
    {
        Pause::default().await;
        fs::write(path, "x").unwrap();
        pending::<()>().await;
    };
}

#[test]
#[ignore = "run by the test below"]
fn part_suspended() {
    // Half of this is how long the hook would wait for a statement that is making something.
    set_exit_limit(Duration::from_secs(7200));
    let path = home().join("file");
    let (tell, told) = mpsc::channel();
    let (over, is_over) = mpsc::channel();
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || {
        let mut future = pin!(goes_on(&path, tell, is_over));
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_pending());
        begun.send(()).unwrap();
        told.recv().unwrap();
        for _ in 0..3 {
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
        over.send(()).unwrap();
        loop {
            thread::park();
        }
    });
    begins.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn an_async_statement_that_is_suspended_is_not_waited_for_and_does_not_go_on() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_suspended", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}

/// Where its macro waits, nobody sees.
#[must_cleanup]
async fn waits_in_a_macro(path: &Path, begun: mpsc::Sender<()>) {
    macro_rules! hidden_wait {
        ($begun:ident) => {{
            $begun.send(()).unwrap();
            pending::<()>().await;
        }};
    }
    let own = path.to_owned();
    fs::write(path, "x").unwrap();
    #[cleanup(move || fs::remove_file(own), survives = exit)]
    {
        hidden_wait!(begun);
    };
}

#[test]
#[ignore = "run by the test below"]
fn part_hidden_wait() {
    set_exit_limit(Duration::from_secs(7200));
    let path = home().join("file");
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || {
        let future = pin!(waits_in_a_macro(&path, begun));
        assert!(future.poll(&mut Context::from_waker(Waker::noop())).is_pending());
        loop {
            thread::park();
        }
    });
    begins.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn an_async_statement_whose_macro_may_hide_an_await_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_hidden_wait", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}

#[test]
#[ignore = "run by the test below"]
fn part_served() {
    let path = home().join("file");
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || {
        serve(&path, &begun, || {
            loop {
                thread::park();
            }
        });
    });
    begins.recv().unwrap();
    std::process::exit(7);
}

#[test]
fn the_closure_of_a_statement_that_never_ends_runs_beside_it() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_served", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}

#[test]
#[ignore = "run by the test below"]
fn part_exit_within() {
    // Half of this is how long it would wait for itself.
    set_exit_limit(Duration::from_secs(600));
    let (begun, _begins) = mpsc::channel();
    serve(&home().join("file"), &begun, || std::process::exit(7));
}

#[test]
fn nobody_waits_for_the_statement_that_ends_the_process() {
    let home = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    assert_eq!(part("part_exit_within", home.path()).code(), Some(7));
    assert!(begin.elapsed() < Duration::from_secs(120));
    assert_eq!(left(home.path()), 0);
}

#[test]
#[ignore = "run by the test below"]
fn part_guard_beside_the_hook() {
    let home = home();
    let (runs, running) = mpsc::channel();
    let (pass, passed) = mpsc::channel();
    let entry = exit_entry(&SITE, move || {
        runs.send(()).unwrap();
        // Not before this cleanup has ended.
        if passed.recv_timeout(Duration::from_millis(200)).is_ok() {
            fs::write(home.join("passed"), "x").unwrap();
        }
    });
    thread::spawn(move || {
        running.recv().unwrap();
        let _ = entry.run();
        let _ = pass.send(());
    });
    std::process::exit(7);
}

#[test]
fn a_guard_waits_for_the_hook_that_is_running_its_cleanup() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(part("part_guard_beside_the_hook", home.path()).code(), Some(7));
    assert_eq!(left(home.path()), 0);
}
