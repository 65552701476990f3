//! What must be on the disk, what may be, and what must not: by what the machine has said.

use std::collections::{BTreeMap, BTreeSet};

use crate::said::{Said, Whose};

/// The names that the program and the stranger both want.
pub const NAMES: [&str; 8] = ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7"];

/// What is known of the disk.
#[derive(Debug, Default)]
pub struct Known {
    /// The stranger's, with their numbers: on the disk before it was said.
    strangers: BTreeMap<String, u64>,
    /// Names of things that the stranger was making or removing.
    unsettled: BTreeSet<String>,
    /// What was kept for good.
    kept: BTreeSet<String>,
    /// What was being kept.
    keeping: BTreeSet<String>,
    /// What was found in the arena at this start.
    found: BTreeMap<String, Whose>,
    /// What is wrong.
    pub wrong: Vec<String>,
}

impl Known {
    /// Takes note of a line, and of what is wrong with it.
    pub fn hear(&mut self, said: &Said) {
        match said {
            Said::Making(name) | Said::Removing(name) => {
                self.strangers.remove(name);
                self.unsettled.insert(name.clone());
            }
            Said::Mine(name, number) => {
                self.unsettled.remove(name);
                self.strangers.insert(name.clone(), *number);
            }
            Said::Keeping(name) => drop(self.keeping.insert(name.clone())),
            Said::Kept(name) => {
                self.keeping.remove(name);
                self.kept.insert(name.clone());
            }
            Said::Clearing => {
                self.unsettled.extend(std::mem::take(&mut self.strangers).into_keys());
                self.keeping.append(&mut self.kept);
            }
            Said::Recovered { failed, left, .. } => {
                self.wrong.extend(failed.iter().map(|what| format!("failed: {what}")));
                for (what, why, kept) in left {
                    // The stranger puts its own in the place of ours, at these names only.
                    let contested = NAMES.iter().any(|name| what.contains(&format!("/{name}\"")));
                    if !contested || *kept {
                        self.wrong.push(format!("left alone: {what}: {why}"));
                    }
                }
            }
            Said::Journal(files) => {
                if !matches!(&files[..], [only] if only.ends_with(".journal")) {
                    self.wrong.push(format!("in the journal's directory: {files:?}"));
                }
            }
            Said::Found(name, whose) => drop(self.found.insert(name.clone(), *whose)),
            Said::Looked => self.compare(),
            Said::Failed(what) => self.wrong.push(what.clone()),
            Said::Boot(_)
            | Said::LeftAtKill(_)
            | Said::Working
            | Said::Hogging
            | Said::ReaperReplaced(_)
            | Said::Ended { .. } => {}
        }
    }

    /// Compares what was found with what was said, which is settled from then on.
    fn compare(&mut self) {
        let found = std::mem::take(&mut self.found);
        for (name, number) in &self.strangers {
            if found.get(name) != Some(&Whose::Stranger(*number)) {
                let now = found.get(name);
                self.wrong.push(format!("the stranger's {name}, number {number}, is {now:?}"));
            }
        }
        for name in &self.kept {
            if !found.contains_key(name) {
                self.wrong.push(format!("{name} was kept, and is gone"));
            }
        }
        for (name, whose) in &found {
            let accounted_for = match whose {
                Whose::Ours => self.kept.contains(name) || self.keeping.contains(name),
                Whose::Stranger(_) => {
                    self.strangers.contains_key(name) || self.unsettled.contains(name)
                }
                Whose::Unknown => self.unsettled.contains(name) || self.keeping.contains(name),
            };
            if !accounted_for {
                self.wrong.push(format!("{name} is left, which is {whose:?}"));
            }
        }
        self.unsettled.clear();
        self.keeping.clear();
        self.strangers.clear();
        self.kept.clear();
        for (name, whose) in found {
            match whose {
                Whose::Stranger(number) => drop(self.strangers.insert(name, number)),
                Whose::Ours => drop(self.kept.insert(name)),
                Whose::Unknown => drop(self.unsettled.insert(name)),
            }
        }
    }
}
