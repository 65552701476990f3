//! What is said between an owner and its reaper, and what happens when one of them does not listen.
#![cfg(target_os = "linux")]

mod reaper_support;

use std::fs;
use std::time::Instant;

use reaper_support::{DEADLINE, Owner, Reaper};
use rustix::process::Signal;

/// Waits until the owner has another reaper than this one.
fn successor(owner: &mut Owner, reaper: &Reaper) -> Reaper {
    let end = Instant::now() + DEADLINE;
    loop {
        // Succeeds once there is a reaper that knows everything.
        let checked = owner.ask("check");
        let pid = owner.ask("pid");
        if checked == "ok" && pid != reaper.pid.to_string() && pid != "none" {
            return Reaper::of(pid.parse().unwrap());
        }
        assert!(Instant::now() < end, "no other reaper: {checked}, {pid}");
    }
}

#[test]
fn killed_reaper_is_replaced_and_its_successor_knows_everything() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    for name in ["a", "b", "withdrawn"] {
        owner.keep(name);
    }
    owner.ok("forget 2");
    reaper.signal(Signal::KILL);
    reaper.wait();
    let second = successor(&mut owner, &reaper);
    owner.keep("c");
    second.signal(Signal::KILL);
    second.wait();
    let third = successor(&mut owner, &second);
    assert_eq!(owner.ask("wait-all"), "0", "the new one is nobody's child either");
    owner.kill();
    third.wait();
    let left: Vec<_> =
        ["a", "b", "c"].into_iter().filter(|name| owner.path(name).exists()).collect();
    assert!(left.is_empty(), "{left:?}: {:?}", owner.log());
    assert!(owner.path("withdrawn").exists());
    assert!(owner.log().contains("in the place of a reaper that ended (number 2)"));
}

#[test]
fn registration_without_a_reaper_waits_for_the_next_one() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=60000"]);
    reaper.signal(Signal::KILL);
    reaper.wait();
    // Whether the owner has noticed or not.
    for number in 0..20 {
        owner.keep(&number.to_string());
    }
    let second = successor(&mut owner, &reaper);
    owner.kill();
    second.wait();
    assert!((0..20).all(|number| !owner.path(&number.to_string()).exists()), "{:?}", owner.log());
}

#[test]
fn thousands_of_registrations_outlive_a_reaper_and_are_cleaned_up() {
    const COUNT: usize = 10_000;
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=60000"]);
    let files = owner.path("files");
    fs::create_dir(&files).unwrap();
    owner.ok(&format!("keep-many {} {COUNT}", files.display()));
    assert_eq!(fs::read_dir(&files).unwrap().count(), COUNT);
    reaper.signal(Signal::KILL);
    reaper.wait();
    let second = successor(&mut owner, &reaper);
    // The check waited until the new one had been told everything.
    owner.kill();
    second.wait();
    let left = fs::read_dir(&files).unwrap().count();
    assert_eq!(left, 0, "{:.2000}", owner.log());
}

/// Checks until the reaper, which goes on, has answered within the owner's short deadline.
fn until_it_answers(owner: &mut Owner) {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = owner.ask("check");
        if answer == "ok" {
            return;
        }
        assert!(Instant::now() < end, "{answer}");
    }
}

#[test]
fn stopped_reaper_makes_a_registration_an_error_within_the_deadline() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=300"]);
    let files = owner.path("files");
    fs::create_dir(&files).unwrap();
    reaper.signal(Signal::STOP);
    let answer = owner.ask(&format!("keep-many {} 100000", files.display()));
    assert!(answer.contains("has taken no message for 300ms"), "{answer}");
    let written = fs::read_dir(&files).unwrap().count();
    assert!(written >= 100, "only {written} before the channel was full");
    // Nor does a withdrawal hang; it is made up for.
    let answer = owner.ask("forget 0");
    assert!(answer.contains("has taken no message for 300ms"), "{answer}");
    let answer = owner.ask("check");
    assert!(answer.contains("has taken no message for 300ms"), "{answer}");
    reaper.signal(Signal::CONT);
    until_it_answers(&mut owner);
    owner.kill();
    reaper.wait();
    // What is left is the one that was withdrawn, and the one that exists and could not be committed.
    let left = fs::read_dir(&files).unwrap().count();
    assert!(files.join("0").exists() && left <= 2, "{left} are left");
}

#[test]
fn stopped_reaper_does_not_acknowledge() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=300", "acknowledged"]);
    owner.keep("before");
    reaper.signal(Signal::STOP);
    let (before, after) = (owner.path("before"), owner.path("after"));
    let answer = owner.ask(&format!("keep {}", after.display()));
    assert!(answer.contains("did not answer in time"), "{answer}");
    assert!(!after.exists(), "nothing is created without the intent");
    reaper.signal(Signal::CONT);
    until_it_answers(&mut owner);
    let keep = format!("keep {}", after.display());
    while owner.ask(&keep).contains("did not answer in time") {
        until_it_answers(&mut owner);
    }
    owner.kill();
    reaper.wait();
    assert!(!before.exists() && !after.exists(), "{:?}", owner.log());
}

#[test]
fn killed_reaper_is_replaced_under_acknowledged_registrations() {
    let (mut owner, reaper) = Owner::with_reaper(&["deadline=60000", "acknowledged"]);
    owner.keep("a");
    reaper.signal(Signal::STOP);
    owner.tell(&format!("keep {}", owner.path("b").display()));
    // It waits for an answer that never comes from this one.
    reaper.signal(Signal::KILL);
    assert_eq!(owner.hear(), "ok");
    let second = successor(&mut owner, &reaper);
    owner.kill();
    second.wait();
    assert!(!owner.path("a").exists() && !owner.path("b").exists(), "{:?}", owner.log());
}

#[test]
fn longest_path_fits_and_a_longer_message_is_an_error() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.ok("long 4000");
    owner.ok("long 4095");
    // Both exist only as intents.
    let long = "x".repeat(100);
    let words = vec![long.as_str(); 400].join(" ");
    let answer = owner.ask(&format!("run /bin/echo {words}"));
    assert!(answer.contains("and the reaper takes at most 32768"), "{answer}");
    owner.keep("file");
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn signals_for_the_program_do_not_end_the_reaper() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    for signal in
        [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::ALARM]
    {
        reaper.signal(signal);
        // It has run since.
        owner.ok("check");
    }
    assert_eq!(owner.ask("pid"), reaper.pid.to_string());
    owner.kill();
    reaper.wait();
    assert!(!owner.path("file").exists());
}

#[test]
fn what_the_reaper_executes_has_no_signal_ignored() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (script, out) = (owner.path("script"), owner.path("out"));
    let text = format!("grep -E '^Sig(Ign|Blk)' /proc/self/status >{}", out.display());
    fs::write(&script, text).unwrap();
    owner.ok(&format!("run /bin/sh {}", script.display()));
    owner.kill();
    reaper.wait();
    let masks = fs::read_to_string(out).unwrap();
    let masks = masks.lines().map(|line| u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16));
    // From 32 on they are the C library's.
    let masks: Vec<u64> = masks.map(|mask| mask.unwrap() & 0x7fff_ffff).collect();
    assert_eq!(masks, [0, 0]);
}

#[test]
fn reaper_waits_for_its_turn_and_what_it_executes_does_not() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    let (script, out) = (owner.path("script"), owner.path("out"));
    fs::write(&script, format!("cat /proc/self/stat >{}", out.display())).unwrap();
    owner.ok(&format!("run /bin/sh {}", script.display()));
    let of_reaper = fs::read_to_string(reaper.proc("stat")).unwrap();
    owner.kill();
    reaper.wait();
    // proc_pid_stat(5); the second field, in parentheses, may have spaces.
    let policy = |stat: &str| {
        let after_name = stat.rsplit(')').next().unwrap();
        after_name.split(' ').nth(41 - 2).unwrap().parse::<i32>().unwrap()
    };
    assert_eq!(policy(&of_reaper), libc::SCHED_BATCH);
    assert_eq!(policy(&fs::read_to_string(out).unwrap()), libc::SCHED_OTHER);
}

#[test]
fn thread_of_the_owner_takes_no_signals_of_the_program() {
    let (owner, _reaper) = Owner::with_reaper(&[]);
    let tasks = fs::read_dir(format!("/proc/{}/task", owner.pid())).unwrap();
    let mut statuses =
        tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap());
    let supervisor = statuses.find(|status| status.contains("backstop-reaper")).unwrap();
    let blocked = supervisor.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
    let blocked = u64::from_str_radix(blocked, 16).unwrap();
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::CHILD, Signal::USR1] {
        assert_ne!(blocked & (1 << (signal.as_raw() - 1)), 0, "{signal:?}");
    }
}

#[test]
fn idle_reaper_sleeps_and_is_small() {
    let (mut owner, reaper) = Owner::with_reaper(&[]);
    owner.keep("file");
    owner.ok("check");
    let time = |reaper: &Reaper| {
        let stat = fs::read_to_string(reaper.proc("schedstat")).unwrap();
        stat.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    // It has answered, and is about to sleep.
    let end = Instant::now() + DEADLINE;
    while !reaper.status("State").starts_with('S') {
        assert!(Instant::now() < end, "it does not sleep");
        std::thread::yield_now();
    }
    let (before, switches) = (time(&reaper), reaper.status("voluntary_ctxt_switches"));
    // Nothing wakes it, for as long as somebody else needs to be started and to end.
    let (mut other, second) = Owner::with_reaper(&[]);
    other.tell("return");
    second.wait();
    assert_eq!((time(&reaper), reaper.status("voluntary_ctxt_switches")), (before, switches));
    assert_eq!(reaper.status("Threads"), "2");
    let rollup = fs::read_to_string(reaper.proc("smaps_rollup")).unwrap();
    let private: u64 = rollup
        .lines()
        .filter(|line| line.starts_with("Private_Dirty:") || line.starts_with("Private_Hugetlb:"))
        .map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap())
        .sum();
    assert!(private < 2_000, "{private} KiB of private memory");
}
