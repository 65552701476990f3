//! The program in the machine: performs what its journal holds, says what is on the disk, and then makes
//! and removes things until it, or the machine, ends. A stranger in it takes the same names all the
//! while, and knows nothing of backstop.
//!
//! Arguments: the end, a seed, and after how many turns that end comes.

use std::error::Error;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use backstop::__private::reaper;
use backstop::{CancelToken, Survives, cancel_token, scratch};
use backstop_power_cut::ends::End;
use backstop_power_cut::look::{self, KILL, on_disk};
use backstop_power_cut::said::Said;
use backstop_power_cut::things::{Maker, Stranger};
use fastrand::Rng;
use rustix::process::{Signal, getpid, kill_process};

type Outcome = Result<(), Box<dyn Error>>;

#[backstop::main(reaper)]
fn main() -> Outcome {
    // The stranger makes cleanups fail, as it should.
    backstop::set_observer(|_| {});
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [end, seed, turns] = &arguments[..] else { return Err("three arguments".into()) };
    let worked = work(end.parse()?, seed.parse()?, turns.parse()?);
    if let Err(error) = &worked {
        Said::Failed(error.to_string()).say()?;
    }
    worked
}

fn work(end: End, seed: u64, turns: u64) -> Outcome {
    look::at_everything()?;
    if end == End::Stop {
        return Ok(());
    }
    Said::Clearing.say()?;
    look::clear()?;
    // For contrast: on the disk, and known to the reaper alone.
    let _contrast = scratch::dir_in(KILL, Survives::Kill)?;
    on_disk(KILL)?;
    Said::Working.say()?;

    let token = cancel_token();
    let turn = AtomicU64::new(0);
    // In every other start, there is nobody but the makers, and the disk is seldom waited for.
    let calm = seed % 2 == 0;
    let random = |number: u64| Rng::with_seed(seed.wrapping_mul(4).wrapping_add(number));
    thread::scope(|s| {
        let mut threads = Vec::new();
        for number in 0..2 {
            let mut maker = Maker::new(random(number), format!("k{seed}-{number}"), calm);
            let (token, turn) = (&token, &turn);
            threads.push(s.spawn(move || {
                while !token.is_cancelled() {
                    maker.turn()?;
                    if turn.fetch_add(1, Ordering::Relaxed) == turns {
                        come_to(end)?;
                    }
                }
                Ok::<_, std::io::Error>(())
            }));
        }
        let mut stranger = Stranger::new(random(2), seed);
        let token: &CancelToken = &token;
        threads.push(s.spawn(move || {
            while !calm && !token.is_cancelled() {
                stranger.turn()?;
            }
            Ok(())
        }));
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a panic")?.map_err(Into::into))
    })
}

fn come_to(end: End) -> std::io::Result<()> {
    match end {
        // From outside, and before that.
        End::Cut | End::Stop => {}
        End::Restart => kill_process(getpid(), Signal::TERM)?,
        End::Reset => fs::write("/proc/sysrq-trigger", "b")?,
        End::Panic => fs::write("/proc/sysrq-trigger", "c")?,
        End::Memory => {
            Said::Hogging.say()?;
            backstop_power_cut::memory::use_up()
                .map_err(|e| std::io::Error::other(e.to_string()))?;
        }
        End::MemoryReaper => lose_the_reaper()?,
    }
    Ok(())
}

/// Lets the kernel pick the reaper when memory runs out, and ends this process by `SIGKILL` once there is
/// another one.
fn lose_the_reaper() -> std::io::Result<()> {
    let none = || std::io::Error::other("there is no reaper");
    let first = reaper::pid().ok_or_else(none)?;
    fs::write(format!("/proc/{first}/oom_score_adj"), "1000")?;
    Said::Hogging.say()?;
    let began = Instant::now();
    let hog = Command::new("/init").arg("hog").status()?;
    backstop::reaper::check()?;
    let second = reaper::pid().ok_or_else(none)?;
    if second == first {
        return Err(std::io::Error::other(format!("the reaper is still there; the hog: {hog}")));
    }
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Said::ReaperReplaced(took).say()?;
    Ok(kill_process(getpid(), Signal::KILL)?)
}
