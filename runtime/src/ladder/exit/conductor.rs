//! The conductor: a thread that waits for the end of the process, and then sees to it that every
//! cleanup runs, in order, in time. It runs nothing of the user's itself.

use std::time::Duration;

use super::hook::Hook;
use super::phase::{Cause, Phase};
use super::{signals, thread};
use crate::ladder::mask::with_signals_of_main;
use crate::sync::Instant;

/// The shortest time after which a cleanup counts as one that hangs.
const SHORTEST: Duration = Duration::from_millis(10);

/// When to look again at what rings no bell.
const TICK: Duration = Duration::from_millis(2);

/// How long to wait for what threads have announced and not registered. From creating something to
/// registering its cleanup it takes microseconds; an initialiser that blocks has created nothing.
const ANNOUNCED: Duration = Duration::from_millis(250);

/// How long to wait at first, with the gate closed, for what others are running and making.
const TURN: Duration = Duration::from_millis(50);

pub(super) fn main(hook: &'static Hook) {
    hook.set_conductor();
    thread::Engaged::for_good();
    // One to work, and one for when that one hangs. Without any the cleanups run here, see
    // `run_without_worker`.
    let _ = hook.crew.stand_by(hook, 2);
    let cause = loop {
        let seen = hook.bell.count();
        if hook.crew.is_ready() {
            hook.tell_ready();
        }
        match hook.requested() {
            Some((cause, _)) => break cause,
            None => hook.bell.wait(seen, None),
        };
    };
    conduct(hook);
    if let Cause::Signal(signal) = cause {
        signals::end_by(signal);
    }
}

/// Brings the hook to its end.
pub(super) fn conduct(hook: &'static Hook) {
    let Some((cause, limit)) = hook.requested().filter(|_| hook.may_conduct()) else { return };
    // A limit beyond what a clock can tell is a day.
    let now = Instant::now();
    let until = now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(86_400));
    hook.set_deadline(now, until);
    hook.set_phase(Phase::Ending);
    run_armed(hook, until);
    let is_complete = drain(hook, until);
    let report = hook.close(limit, is_complete);
    match cause {
        // Who called, reports.
        Cause::Call => {}
        // Here, before anybody goes on to die.
        Cause::Exit | Cause::Abort | Cause::Signal(_) => report.print(),
    }
    hook.tell_end();
}

/// Runs what is armed. A cleanup may take half of the time that is left; then the next one goes on
/// beside it.
fn run_armed(hook: &'static Hook, until: Instant) {
    let mut worker = None;
    let mut turn: Option<(u64, Instant)> = None;
    loop {
        let seen = hook.bell.count();
        let now = Instant::now();
        if now >= until {
            return;
        }
        let Some(working) = worker else {
            if tally(hook, u64::MAX).armed == 0 {
                return;
            }
            worker = hook.crew.start(hook);
            if worker.is_none() {
                run_without_worker(hook, seen, now + half_of_the_rest(now, until));
            }
            continue;
        };
        if !working.is_busy() {
            worker = None;
            continue;
        }
        let Some(current) = working.current() else {
            hook.bell.wait(seen, Some(until.min(now + TICK)));
            continue;
        };
        let end = match turn {
            Some((entry, end)) if entry == current => end,
            _ => now + half_of_the_rest(now, until),
        };
        turn = Some((current, end));
        if working.is_abandoned(hook) || now >= end {
            if working.leave(current) {
                worker = None;
                // The guard of that entry may be waiting for it.
                hook.bell.ring();
            }
            continue;
        }
        hook.bell.wait(seen, Some(end.min(until)));
    }
}

fn half_of_the_rest(now: Instant, until: Instant) -> Duration {
    (until.saturating_duration_since(now) / 2).max(SHORTEST)
}

/// No thread is free. One may be coming, or come back; else this one has to do.
fn run_without_worker(hook: &'static Hook, seen: u32, until: Instant) {
    if hook.crew.is_there() && hook.bell.wait(seen, Some(until)) {
        return;
    }
    if let Some(taken) = hook.next() {
        with_signals_of_main(|| hook.run(taken));
    }
}

/// Waits for what other threads are running, making, and about to register. Tells whether all has
/// ended.
///
/// With the gate open, it waits for what is older than this turn; then for all, with the gate closed, or
/// else threads that make one thing after the other never come to an end. If a thread that is held may
/// be what the others wait for, it takes another turn.
fn drain(hook: &'static Hook, until: Instant) -> bool {
    let begin = Instant::now();
    let half = half_of_the_rest(begin, until);
    let patience = begin + half;
    let rest = until.saturating_duration_since(begin);
    // From then on, it stays closed: what is begun now would not be over in time.
    let last = begin + rest.saturating_sub(ANNOUNCED).max(half);
    let mut turn = TURN;
    loop {
        let mut waiting =
            Waiting { hook, until, patience, before: hook.registry.next(), closed: None };
        waiting.wait(last);
        hook.hold_others();
        waiting.before = u64::MAX;
        let now = Instant::now();
        waiting.closed = Some(now);
        let end = if now >= last { until } else { until.min(now + turn) };
        if let Some(is_complete) = waiting.wait(end) {
            return is_complete;
        }
        if Instant::now() >= until {
            return false;
        }
        hook.let_others_go();
        turn *= 2;
    }
}

/// What is waited for.
struct Waiting {
    hook: &'static Hook,
    /// When the time of all cleanups is over.
    until: Instant,
    /// When what is still being made is cleaned up beside its statement, which may be one that never
    /// ends.
    patience: Instant,
    /// Entries of a lower number.
    before: u64,
    /// Since when the gate is closed. Then what is announced is waited for, too.
    closed: Option<Instant>,
}

impl Waiting {
    /// Waits until all has ended, and tells whether nothing was abandoned. `None` if something is being
    /// run or made at `end`.
    fn wait(&self, end: Instant) -> Option<bool> {
        let Self { hook, until, patience, before, closed } = *self;
        loop {
            let seen = hook.bell.count();
            let now = Instant::now();
            let announced = closed
                .map(|closed| closed + ANNOUNCED)
                // Before the entries: an announcement that ends becomes one.
                .filter(|end| now < *end && hook.registry.announcements() > hook.forgiven());
            if now >= patience {
                hook.hurry();
            }
            let tally = tally(hook, before);
            let others = tally.making + tally.running;
            if now >= until || now >= end && others > 0 {
                return None;
            } else if tally.armed > 0 {
                run_armed(hook, until);
            } else if tally.locked > 0 && closed.is_some() {
                hook.bell.wait(seen, Some(until.min(now + TICK)));
            } else if others > 0 {
                // When something is to be done although no bell was rung.
                let end = if tally.making > 0 && now < patience { end.min(patience) } else { end };
                hook.bell.wait(seen, Some(end));
            } else if let Some(announced) = announced {
                hook.bell.wait(seen, Some(until.min(announced)));
            } else {
                return Some(tally.abandoned == 0);
            }
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    armed: usize,
    /// By statements that are waited for.
    making: usize,
    /// By threads that may come to their end.
    running: usize,
    /// By threads that will not.
    abandoned: usize,
    locked: usize,
}

/// Of the entries with a lower number.
fn tally(hook: &Hook, before: u64) -> Tally {
    let mut tally = Tally::default();
    tally.locked = hook.registry.scan(|entry| match entry.runner {
        _ if entry.sequence >= before => {}
        None if entry.maker.is_some_and(|maker| !hook.may_overtake(maker)) => tally.making += 1,
        None => tally.armed += 1,
        Some(runner) if hook.is_abandoned(runner) => tally.abandoned += 1,
        Some(_) => tally.running += 1,
    });
    tally
}
