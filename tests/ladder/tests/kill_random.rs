//! `kill -9` at random instants: a program (`kill_churn`) makes and removes files, directories,
//! sockets, links and children at all rungs on four threads, and is killed; in every third round its
//! reaper with it, and the journal is replayed. All the while a stranger (`kill_stranger`) takes
//! names, moves and swaps things and directories. Afterwards:
//!
//! * nothing is left that was committed, or made by our helpers, unless the stranger had moved it
//!   (it keeps a record), and no child lives. One more is possible where three swaps meet: a cleanup
//!   that was about to take its thing took what came to its name meanwhile, and cannot give the name
//!   back as the stranger has taken that. It reports where the thing is now, which may be another one
//!   of ours;
//! * every file of the stranger's is somewhere, and whole;
//! * what was kept is there.
//!
//! What is not promised is not done: the program's own code makes nothing in the directory that the
//! stranger exchanges, where the path may lead to another thing by the time when it is registered.
//!
//! There are 300 kills, which take about 40 s on two processors. For more, and for about the same ones
//! once more:
//!
//! ```sh
//! BACKSTOP_KILLS=10000 cargo test -p backstop-tests-ladder --test kill_random -- --nocapture
//! BACKSTOP_SEED=4711 cargo test -p backstop-tests-ladder --test kill_random -- --nocapture
//! ```
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use backstop::__private::journal::recover_in;
use backstop_tests_ladder::ends::{DEADLINE, Process};
use backstop_tests_ladder::random::Random;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How many are killed if nothing else is said, half of them in each of two arenas.
const KILLS: u64 = 300;

#[test]
fn kills_at_random_instants_leave_nothing_of_ours_and_remove_nothing_else() {
    let number = |name, default: u64| {
        let text = env::var(name).ok();
        text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
    };
    let kills = number("BACKSTOP_KILLS", KILLS);
    let seed = number("BACKSTOP_SEED", u64::from(std::process::id()));
    println!("{kills} kills, seed {seed}");
    let begin = Instant::now();
    let sums: Vec<_> = thread::scope(|s| {
        let arenas = [0, 1].map(|arena| {
            let rounds = u64::midpoint(kills, arena);
            s.spawn(move || kill_in_an_arena(rounds, seed.wrapping_mul(2).wrapping_add(arena)))
        });
        arenas.map(|arena| arena.join().unwrap_or_else(|_| panic!("seed {seed}"))).into()
    });
    println!("{sums:#?} in {:?}", begin.elapsed());
    for sum in sums {
        // It was no idle run.
        assert!(sum.left_to_reaper > sum.rounds && sum.left_to_journal > sum.rounds / 3, "{sum:?}");
        assert!(sum.removed > sum.rounds && sum.committed > sum.rounds, "{sum:?}");
        assert!(sum.kept > sum.rounds / 10, "{sum:?}");
        assert!(sum.planted.min(sum.exchanged).min(sum.took) > sum.rounds, "{sum:?}");
        assert!(sum.swapped > 0 && sum.own >= 8, "{sum:?}");
    }
}

/// What happened in one arena.
#[derive(Debug, Default)]
struct Sum {
    rounds: u64,
    turns: u64,
    committed: u64,
    kept: u64,
    left_to_reaper: u64,
    left_to_journal: u64,
    /// Of these, what was there and was removed.
    removed: u64,
    /// Leftovers that the stranger had moved; that were not committed yet; that another cleanup of
    /// ours had taken.
    moved: u64,
    uncommitted: u64,
    displaced: u64,
    /// How often a cleanup reported such a thing.
    displacements: u64,
    /// The stranger's doings.
    planted: u64,
    exchanged: u64,
    took: u64,
    swapped: u64,
    own: u64,
}

fn kill_in_an_arena(rounds: u64, seed: u64) -> Sum {
    let arena = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // Paths are made canonical by what is tested, and compared here.
    let arena = &fs::canonicalize(arena.path()).unwrap();
    let mut random = Random::new(seed);
    let mut stranger = Stranger::start(arena, seed);
    let mut sum = Sum::default();
    for round in 0..rounds {
        sum.rounds += 1;
        let with_reaper = round % 3 != 2;
        let swapping = round % 4 == 3;
        stranger.go(swapping);
        let (said, report) = if with_reaper {
            let said = churn_and_kill(arena, &mut random, with_reaper);
            let log = fs::read_to_string(arena.join("log")).unwrap_or_default();
            let _ = fs::remove_file(arena.join("log"));
            sum.left_to_reaper += left_to_clean_up(&log);
            sum.removed += log.lines().filter(|line| line.ends_with(": done")).count() as u64;
            (said, log)
        } else {
            let said = churn_and_kill(arena, &mut random, with_reaper);
            let recovery = recover_in(&arena.join("records")).unwrap();
            assert_eq!((&recovery.failed[..], recovery.owners_alive), (&[][..], 0), "{recovery}");
            let (performed, gone) = (recovery.performed.len(), recovery.gone.len());
            sum.left_to_journal += (performed + gone) as u64;
            sum.removed += performed as u64;
            (said, recovery.to_string())
        };
        let found = stranger.stop();
        judge(&said, &found, swapping, &report, &mut sum);
    }
    sum
}

/// Runs the churn for a random while, kills it, and waits until who is to clean up has done so; what
/// it said.
fn churn_and_kill(arena: &Path, random: &mut Random, with_reaper: bool) -> Vec<String> {
    let mut churn = Command::new(env!("CARGO_BIN_EXE_kill_churn"))
        .arg(arena)
        .arg(random.below(u64::MAX).to_string())
        .arg(if with_reaper { "reaper" } else { "journal" })
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = Lines::of(churn.stdout.take().unwrap());
    let ready = lines.next("the churn's first line").expect("it says something");
    let reaper = ready.strip_prefix("ready ").and_then(|pid| pid.parse().ok());
    let reaper = Process::of(reaper.unwrap_or_else(|| panic!("{ready:?}")));
    let turns = random.below(200);
    let mut said: Vec<_> = (0..turns).map_while(|_| lines.next("the churn's turn")).collect();
    spin(random.below(2_000));
    if with_reaper {
        churn.kill().unwrap();
    } else if random.below(2) == 0 {
        // While it stands still, it starts no other one.
        let pid = Pid::from_child(&churn);
        kill_process(pid, Signal::STOP).unwrap();
        waitpid(Some(pid), WaitOptions::UNTRACED).unwrap();
        reaper.kill();
        reaper.wait("the reaper's end");
        churn.kill().unwrap();
    } else {
        // In the midst of its work, or before.
        churn.kill().unwrap();
        spin(random.below(1_000));
        reaper.kill();
    }
    let status = churn.wait().unwrap();
    assert_eq!(status.signal(), Some(9), "{status}");
    reaper.wait("the reaper's end");
    // Its children have its stdout.
    while let Some(line) = lines.next("the end of all children") {
        said.push(line);
    }
    said
}

fn spin(microseconds: u64) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(microseconds) {
        std::hint::spin_loop();
    }
}

/// From `.. and left 7 to clean up`.
fn left_to_clean_up(log: &str) -> u64 {
    let count = |line: &str| line.split_once("and left ")?.1.split(' ').next()?.parse().ok();
    log.lines().find_map(count).unwrap_or(0)
}

fn judge(said: &[String], found: &[String], swapping: bool, report: &str, sum: &mut Sum) {
    let of = |lines: &[String], word: &str| -> HashMap<String, String> {
        let rest = |line: &String| {
            let rest = line.strip_prefix(word)?.strip_prefix(' ')?;
            let (place, more) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((place.to_owned(), more.to_owned()))
        };
        lines.iter().filter_map(rest).collect()
    };
    let made = of(said, "made");
    let (committed, keeping, kept) = (of(said, "committed"), of(said, "keeping"), of(said, "kept"));
    let (left, moved, took) = (of(found, "left"), of(found, "moved"), of(found, "took"));
    sum.turns += said.iter().filter(|line| *line == ".").count() as u64;
    sum.displacements += of(said, "displaced").len() as u64;
    sum.committed += committed.len() as u64;
    sum.kept += kept.len() as u64;
    sum.moved += moved.len() as u64;

    let lost = of(found, "lost");
    assert!(lost.is_empty(), "the stranger's are gone: {lost:?}\n{report}");
    for (place, what) in &left {
        let (identity, kind) = what.split_once(' ').unwrap();
        let (ground, name) = place.split_once('/').unwrap();
        let was_swapped = swapping && ground == "swap";
        let was_displaced = said
            .iter()
            .filter(|line| line.starts_with("displaced "))
            .map(String::as_str)
            .chain(report.lines().filter(|line| line.contains("it is now at ")))
            .any(|line| line.contains(name));
        sum.displaced += u64::from(was_displaced);
        // Wherever it is now: the reaper may have known of it already, and been killed while it removed
        // it, before the journal knew.
        let made_at = made.get(identity).unwrap_or(place);
        let is_by_hand = made.contains_key(identity) || name.starts_with('w');
        let is_uncommitted = is_by_hand && !committed.contains_key(made_at);
        sum.uncommitted += u64::from(is_uncommitted);
        assert!(
            ground == "exit"
                || was_swapped
                || was_displaced
                || is_uncommitted
                || keeping.contains_key(place),
            "{place} is left: {kind}\n{report}"
        );
    }
    for place in kept.keys() {
        // Made while the directory was a link, or the other way round.
        let swapped = swapping && (place.starts_with("swap/") || place.starts_with("victim/"));
        assert!(left.contains_key(place) || took.contains_key(place) || swapped, "{place} is gone");
    }
    let done = found.last().and_then(|line| line.strip_prefix("done ")).unwrap();
    let counts: Vec<u64> = done.split(' ').map(|count| count.parse().unwrap()).collect();
    let [planted, exchanged, took, swapped, own] = counts[..] else { panic!("{done}") };
    sum.planted += planted;
    sum.exchanged += exchanged;
    sum.took += took;
    sum.swapped += swapped;
    sum.own = own;
}

/// The lines of a pipe, each with a deadline.
struct Lines(Receiver<String>);

impl Lines {
    fn of(pipe: impl Read + Send + 'static) -> Self {
        let (send, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self(lines)
    }

    /// `None` at the end.
    #[track_caller]
    fn next(&self, what: &str) -> Option<String> {
        match self.0.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{what} did not come within {DEADLINE:?}"),
        }
    }
}

struct Stranger {
    child: Child,
    commands: ChildStdin,
    lines: Lines,
}

impl Stranger {
    fn start(arena: &Path, seed: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kill_stranger"))
            .arg(arena)
            .arg(seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let commands = child.stdin.take().unwrap();
        let lines = Lines::of(child.stdout.take().unwrap());
        assert_eq!(lines.next("the stranger's first line").as_deref(), Some("ready"));
        Self { child, commands, lines }
    }

    fn go(&mut self, swapping: bool) {
        let command = if swapping { "go swapping" } else { "go" };
        writeln!(self.commands, "{command}").unwrap();
        assert_eq!(self.lines.next("the stranger's start").as_deref(), Some("going"));
    }

    /// Its account.
    fn stop(&mut self) -> Vec<String> {
        writeln!(self.commands, "stop").unwrap();
        let mut found = Vec::new();
        loop {
            found.push(self.lines.next("the stranger's account").expect("it lives"));
            if found.last().is_some_and(|line| line.starts_with("done ")) {
                return found;
            }
        }
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
