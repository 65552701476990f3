//! Where a function jumps inside itself, and what registers hold there.

use std::collections::btree_map::Entry;

use iced_x86::{Instruction, Mnemonic, Register};

use super::{
    Everything, First, Function, Join, MOST_PASSES, REGISTERS, Reference, Value, agree,
    is_direct_branch,
};
use crate::graph::Through;
use crate::program::image::Word;

impl Function<'_, '_> {
    pub(super) fn find_joins(&mut self, instructions: &[Instruction]) {
        for instruction in instructions {
            if is_direct_branch(instruction) {
                let target = instruction.near_branch_target();
                if self.is_inside(target) {
                    let above = target > instruction.ip();
                    self.joins.push((target, if above { Join::Above } else { Join::Below }));
                }
            }
            let frame = instruction.mnemonic() == Mnemonic::Mov
                && instruction.op0_register() == Register::RBP
                && instruction.op1_register() == Register::RSP;
            self.frame_pointer |= frame;
            if instruction.mnemonic() == Mnemonic::Lea && instruction.is_ip_rel_memory_operand() {
                self.join_table(instruction.ip_rel_memory_address());
            }
        }
        let held = &self.image.held;
        let first = held.partition_point(|address| *address <= self.start);
        let inside = held[first..].iter().take_while(|address| **address < self.end);
        self.joins.extend(inside.map(|address| (*address, Join::Table)));
        // Of several for one place, the worst stays.
        self.joins.sort_unstable();
        self.joins.dedup_by_key(|(target, _)| *target);
    }

    /// Takes what may be a table of jumps for one: too many joins only make less known.
    fn join_table(&mut self, table: u64) {
        if !self.is_relative_table(table) {
            return;
        }
        let entries = self.image.bytes_at(table).unwrap_or_default().chunks_exact(4);
        for entry in entries {
            let distance = i32::from_le_bytes(entry.try_into().unwrap_or_default());
            let target = table.wrapping_add_signed(i64::from(distance));
            if !self.is_inside(target) {
                break;
            }
            self.joins.push((target, Join::Table));
        }
    }

    /// Whether what holds at jumps from below could tell more.
    pub(super) fn leaves_open(&self) -> bool {
        if !self.joins.iter().any(|(_, join)| *join == Join::Below) {
            return false;
        }
        let is_open = |reference: &Reference| match reference {
            Reference::SystemCall(None) => true,
            Reference::Slot(place, First::UNKNOWN) => match self.image.word(*place) {
                Some(Word::Import(import)) => self.image.imports[import as usize].name == "syscall",
                _ => false,
            },
            _ => false,
        };
        self.indirects.iter().any(|indirect| indirect.through == Through::Pointer)
            || self.references.iter().any(|(_, reference)| is_open(reference))
    }

    /// Does it all once more, supposing at first that jumps from below change nothing, and again
    /// with what they do change, until that is all: then it holds in every run of the function.
    pub(super) fn again(&mut self, instructions: &[Instruction], open: bool) {
        self.hopeful = true;
        self.below.clear();
        for _ in 0..MOST_PASSES {
            self.reset();
            self.steps(instructions, open);
            let mut changed = false;
            for (target, found) in std::mem::take(&mut self.pending) {
                match self.below.entry(target) {
                    Entry::Vacant(entry) => {
                        entry.insert(found);
                        changed = true;
                    }
                    Entry::Occupied(mut entry) => {
                        let before = *entry.get();
                        agree(entry.get_mut(), &found);
                        changed |= before != *entry.get();
                    }
                }
            }
            if !changed {
                return;
            }
        }
        self.hopeful = false;
        self.reset();
        self.steps(instructions, open);
    }

    fn reset(&mut self) {
        self.pending.clear();
        self.runs_on = true;
        self.registers = [Value::Unknown; REGISTERS];
        self.preserved = vec![Everything::default(); REGISTERS];
        self.made.clear();
        self.late.clear();
        self.late_tables.clear();
        self.references.clear();
        self.indirects.clear();
    }

    /// Remembers what registers hold for where a jump goes.
    pub(super) fn jump_to(&mut self, target: u64) {
        let now = self.registers;
        match self.pending.entry(target) {
            Entry::Vacant(entry) => {
                entry.insert(now);
            }
            Entry::Occupied(mut entry) => agree(entry.get_mut(), &now),
        }
    }

    pub(super) fn join(&mut self, site: u64, join: Join) {
        let above = self.pending.remove(&site);
        let below = self.below.get(&site).copied();
        let jumps = match (join, above, below) {
            (Join::Above, Some(one), _) => Some(one),
            (Join::Below, one, other) if self.hopeful => {
                let mut jumps = one.or(other);
                if let (Some(both), Some(other)) = (&mut jumps, other) {
                    agree(both, &other);
                }
                if jumps.is_none() && self.runs_on {
                    return;
                }
                jumps
            }
            _ => None,
        };
        match jumps {
            Some(jumps) if self.runs_on => agree(&mut self.registers, &jumps),
            Some(jumps) => self.registers = jumps,
            None => self.registers = [Value::Unknown; REGISTERS],
        }
    }
}
