//! Loads of a function's address that are for a call alone.
//!
//! Without optimisation nearly every call of another crate's function is two instructions, which load the
//! address and call it. Nobody gets hold of such an address, and so no pointer can be that function.

use iced_x86::{FlowControl, Instruction, Mnemonic, OpKind};

use super::{Function, RAX, REGISTERS, Reference, Value, number};

const R11: usize = 11;

/// What became of the loads so far.
#[derive(Default)]
pub(super) struct Loads {
    /// By register, the place in `references` of a load that nothing but a call may use yet, and what it loaded.
    held: [Option<(usize, Value)>; REGISTERS],
    /// The places in `references` of those that were called, in order.
    called: Vec<usize>,
}

impl Function<'_, '_> {
    /// Before an instruction: what it does with an address that was loaded. Anything but a call of it may keep it,
    /// and so may code that a branch leads to.
    pub(super) fn follow_loads(&mut self, instruction: &Instruction) {
        if self.loads.held.iter().all(Option::is_none) {
            return;
        }
        if instruction.flow_control() == FlowControl::Next {
            for used in self.info.info(instruction).used_registers() {
                if let Some(register) = number(used.register()) {
                    self.loads.held[register] = None;
                }
            }
            return;
        }
        let held = std::mem::take(&mut self.loads.held);
        let goes = matches!(
            instruction.flow_control(),
            FlowControl::IndirectCall | FlowControl::IndirectBranch
        );
        if goes && instruction.op0_kind() == OpKind::Register {
            let called = number(instruction.op0_register()).and_then(|register| {
                let (at, loaded) = held[register]?;
                // Where another way leads to the call, it may be of something else, and is told so.
                (self.registers[register] == loaded).then_some(at)
            });
            self.loads.called.extend(called);
        }
    }

    /// Behind an instruction: whether it loaded the address of a function into a register that hands no argument
    /// over and that no call preserves. `before` is where its references begin.
    pub(super) fn begin_load(&mut self, instruction: &Instruction, before: usize) {
        let [(_, reference)] = self.references[before..] else { return };
        if !matches!(instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Mov) {
            return;
        }
        let register = match instruction.op0_kind() {
            OpKind::Register => number(instruction.op0_register()),
            _ => None,
        };
        let Some(register @ (RAX | R11)) = register else { return };
        let value = self.registers[register];
        let is_load = match (value, reference) {
            (Value::Known(made), Reference::Address(address)) => {
                made == address && self.image.is_code(address)
            }
            (Value::Loaded(read), Reference::Memory(place)) => {
                read == place && self.image.constant(place).is_some()
            }
            _ => false,
        };
        if is_load {
            self.loads.held[register] = Some((before, value));
        }
    }

    /// When all was looked at: a load whose address was only called is no mention of it.
    pub(super) fn forget_called_loads(&mut self) {
        let called = std::mem::take(&mut self.loads).called;
        let mut at = 0..;
        self.references.retain(|_| at.next().is_none_or(|at| called.binary_search(&at).is_err()));
    }
}
