//! Starts of one machine after another, each of which looks at what the last one has left.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Result, bail};
use fastrand::Rng;

use crate::disk::{Disk, Loss};
use crate::ends::End;
use crate::known::Known;
use crate::machine::{Event, Machine, Workshop};
use crate::nbd::lock;
use crate::said::Said;

/// The size of the disk.
const MEGABYTES: u64 = 64;
/// So many power cuts make one disk old.
const LIFE: usize = 25;
/// How it is mounted, one disk after the other.
const OPTIONS: [&str; 4] = ["data=ordered", "data=writeback", "data=journal", "commit=1"];
/// The power is cut after at most so many changes of the disk since the program has begun its work,
const WORK: u32 = 800;
/// or since the machine was switched on: in the middle of a replay.
const REPLAY: u32 = 80;
/// After so many turns of the program, it comes to an end of another kind.
const TURNS: u32 = 150;

/// All that was done, and what is wrong.
#[derive(Debug)]
pub struct Rounds<'a> {
    workshop: &'a Workshop,
    random: Rng,
    disk: Arc<Mutex<Disk>>,
    disks: usize,
    known: Known,
    /// How the last start has ended, and whether the program had come to its work by then.
    last: Option<(End, bool)>,
    /// The numbers of all starts.
    boots: BTreeSet<String>,
    counts: BTreeMap<String, Count>,
    wrong: usize,
}

/// What came of the ends of one kind.
#[derive(Debug, Default)]
struct Count {
    ends: usize,
    /// Sectors that had been written, and were lost.
    lost: usize,
    performed: usize,
    gone: usize,
    left: usize,
    at_kill: usize,
}

impl<'a> Rounds<'a> {
    /// With a new disk.
    ///
    /// # Errors
    ///
    /// If there cannot be one.
    pub fn new(workshop: &'a Workshop, seed: u64) -> Result<Self> {
        Ok(Self {
            workshop,
            random: Rng::with_seed(seed),
            disk: Arc::new(Mutex::new(workshop.format(MEGABYTES)?)),
            disks: 0,
            known: Known::default(),
            last: None,
            boots: BTreeSet::new(),
            counts: BTreeMap::new(),
            wrong: 0,
        })
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.wrong == 0
    }

    /// Every other end once, and so many power cuts.
    ///
    /// # Errors
    ///
    /// If the machine does not work.
    pub fn all(&mut self, cuts: usize) -> Result<()> {
        for end in End::OTHERS {
            self.start(end)?;
        }
        for cut in 0..cuts {
            if cut % LIFE == 0 {
                self.replace_disk()?;
            }
            self.start(End::Cut)?;
        }
        self.start(End::Stop)
    }

    fn replace_disk(&mut self) -> Result<()> {
        self.start(End::Stop)?;
        self.disks += 1;
        self.disk = Arc::new(Mutex::new(self.workshop.format(MEGABYTES)?));
        self.known = Known::default();
        self.last = None;
        Ok(())
    }

    fn start(&mut self, end: End) -> Result<()> {
        let began = Instant::now();
        let options = OPTIONS[self.disks % OPTIONS.len()];
        let seed = self.random.u32(..);
        let arguments = [end.to_string(), seed.to_string(), TURNS.to_string(), options.to_owned()];
        let machine = self.workshop.start(&self.disk, &arguments)?;
        let mut fuse = None;
        if end == End::Cut {
            let early = self.random.u8(0..4) == 0;
            fuse = Some(self.random.u32(1..=if early { REPLAY } else { WORK }));
            if early {
                machine.light(fuse.take().unwrap_or(1));
            }
        }
        let mut said = self.until_the_end(end, fuse, &machine)?;
        let console = machine.console();
        said.extend(machine.cut()?);
        if matches!(end, End::Memory | End::MemoryReaper)
            && !console.contains("Out of memory: Killed process")
        {
            self.wrong(end, format!("nobody was killed for memory: {console}"));
        }
        if let Some(line) = console.lines().find(|line| line.contains("EXT4-fs error")) {
            self.wrong(end, line.to_owned());
        }
        let loss = match end {
            End::Cut => *self.random.choice(&Loss::ALL).unwrap_or(&Loss::Nothing),
            _ => Loss::Nothing,
        };
        let sectors = lock(&self.disk).cut(loss, &mut self.random);
        let told = self.judge(end, &said);
        // Whatever is found from here on would mean nothing.
        match said.iter().find(|said| matches!(said, Said::Failed(_))) {
            Some(failed) => bail!("{failed:?}: {console}"),
            None if said.is_empty() && end != End::Cut => bail!("it does not start: {console}"),
            None => {}
        }
        let count = self.count(end);
        count.ends += 1;
        count.lost += sectors;
        self.last = Some((end, said.contains(&Said::Working)));
        println!(
            "{:4.1} s  {told}; {end:13} {loss:?}, {sectors} lost",
            began.elapsed().as_secs_f32()
        );
        Ok(())
    }

    /// Lets the machine run, and cuts its power if that is its end; what it has said.
    fn until_the_end(
        &mut self,
        end: End,
        mut fuse: Option<u32>,
        machine: &Machine,
    ) -> Result<Vec<Said>> {
        let mut heard = Vec::new();
        loop {
            match machine.event() {
                Ok(Event::Said(said)) => {
                    if said == Said::Working {
                        if let Some(requests) = fuse.take() {
                            machine.light(requests);
                        }
                    }
                    heard.push(said);
                }
                Ok(Event::Cut) => return Ok(heard),
                Ok(Event::Ended) => {
                    if end == End::Cut {
                        self.wrong(end, format!("it ended by itself: {}", machine.console()));
                    }
                    return Ok(heard);
                }
                Err(error) => bail!("{error}: {heard:?}\n{}", machine.console()),
            }
        }
    }

    /// Holds what was said against what is known; what it says of the last end.
    fn judge(&mut self, end: End, said: &[Said]) -> String {
        let mut told = String::from("not looked");
        // Whose work it is that is found.
        let mut last = self.last;
        let mut ended = Vec::new();
        for line in said {
            self.known.hear(line);
            for wrong in std::mem::take(&mut self.known.wrong) {
                self.wrong(end, wrong);
            }
            match line {
                Said::Boot(boot) if !self.boots.insert(boot.clone()) => {
                    self.wrong(end, format!("the start {boot} was there before"));
                }
                Said::Recovered { performed, gone, left, .. } => {
                    told = format!("{performed:2} performed, {gone:2} gone, {} left", left.len());
                    let Some((last, _)) = last else { continue };
                    let count = self.count(last);
                    count.performed += performed;
                    count.gone += gone;
                    count.left += left.len();
                    if !last.is_sudden() && *performed > 0 {
                        self.wrong(last, format!("{told}: nothing was to be left"));
                    }
                }
                Said::LeftAtKill(left) => {
                    let Some((last, true)) = last else { continue };
                    self.count(last).at_kill += left;
                    if last.is_sudden() != (*left > 0) {
                        self.wrong(last, format!("{left} left at `kill`"));
                    }
                }
                // From here on, it is this start's work that is found.
                Said::Working => last = Some((end, true)),
                Said::Ended { signal, code } => ended.push((*signal, *code)),
                _ => {}
            }
        }
        let expected: &[_] = match end {
            End::Cut | End::Reset | End::Panic => &[],
            End::Memory | End::MemoryReaper => &[(Some(9), None), (None, Some(0))],
            // After `SIGTERM`, `main` returns in its grace period.
            End::Restart | End::Stop => &[(None, Some(0))],
        };
        if ended != expected {
            self.wrong(end, format!("the programs have ended by {ended:?}"));
        }
        told
    }

    fn count(&mut self, end: End) -> &mut Count {
        self.counts.entry(end.to_string()).or_default()
    }

    fn wrong(&mut self, end: End, what: impl fmt::Display) {
        self.wrong += 1;
        println!("WRONG  {end}: {what}");
    }
}

/// A table.
impl fmt::Display for Rounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["ends", "sectors lost", "performed", "gone", "left alone", "left at kill"];
        write!(f, "{:13}", "")?;
        for head in head {
            write!(f, " {head:>12}")?;
        }
        for (end, count) in &self.counts {
            let Count { ends, lost, performed, gone, left, at_kill } = count;
            write!(f, "\n{end:13}")?;
            for number in [ends, lost, performed, gone, left, at_kill] {
                write!(f, " {number:>12}")?;
            }
        }
        write!(f, "\n{} wrong", self.wrong)
    }
}
