//! What the instructions of one function call, mention and jump to.
//!
//! Two passes over the instructions. The first finds where the function jumps inside itself. The
//! second follows what registers hold, from the top down: where jumps from above come together,
//! what all of them agree on; where one comes from below, nothing. Where that leaves something open
//! it is repeated with what holds at the jumps from below, until nothing changes. That is enough to
//! know the table of a `match`, the slot of a method, the number of a system call.
//! Registers that calls preserve hold pointers across blocks; what such a register holds is the
//! union of everything that the function ever puts into it.
//!
//! Whatever is not understood makes a value unknown, and a call through an unknown value may reach
//! any function whose address is taken: to understand less is never to promise more.

mod joins;
mod loads;
mod values;

use std::collections::BTreeMap;

use iced_x86::{
    Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic,
    OpKind, Register,
};

use loads::Loads;

use super::image::{Image, Word};
use crate::graph::{Indirect, Through};

/// What an instruction refers to outside of its function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// It calls, jumps or runs into the code at this address. With what the first argument is, if
    /// that is known.
    Code(u64, First),
    /// It calls or jumps to what the word at this address holds.
    Slot(u64, First),
    /// It makes this address.
    Address(u64),
    /// It reads or writes at this address.
    Memory(u64),
    /// A system call of this number, if it is known.
    SystemCall(Option<u32>),
}

/// The first argument of a call, where it is known. An `Option` would make every reference larger by a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First(u32);

impl First {
    /// As the number of a system call, which is what it is for, it would be as good as none.
    const UNKNOWN: Self = Self(u32::MAX);

    pub(super) fn get(self) -> Option<u32> {
        (self != Self::UNKNOWN).then_some(self.0)
    }
}

/// A function's references, by the addresses of the instructions. Those of all functions are kept at the
/// same time, and so have no room to grow.
#[derive(Default)]
pub(super) struct Decoded {
    pub(super) references: Box<[(u64, Reference)]>,
    pub(super) indirects: Box<[Indirect]>,
    /// One past the last instruction.
    pub(super) end: u64,
}

/// What a register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Unknown,
    /// A number or an address.
    Known(u64),
    /// What the word at this address held.
    Loaded(u64),
    /// What stood at this distance from a pointer that is not the stack's.
    Field(u32),
    /// An entry of the table of relative jumps at this address (0: at an unknown one).
    JumpEntry(u64),
    /// The same with the table's address added: where the jump goes.
    Target(u64),
    /// An entry of the table of absolute jumps at this address.
    Absolute(u64),
}

const REGISTERS: usize = 16;

/// Functions whose registers are not settled by then are not worth more.
const MOST_PASSES: usize = 8;

/// How a place in a function is jumped to, from the worst to the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Join {
    /// Through a table.
    Table,
    /// Also from below.
    Below,
    /// From above only.
    Above,
}

/// The number of a general register, whatever part of it is meant.
fn number(register: Register) -> Option<usize> {
    let full = register.full_register();
    (Register::RAX..=Register::R15).contains(&full).then(|| full as usize - Register::RAX as usize)
}

/// Keeps what both know.
fn agree(registers: &mut [Value; REGISTERS], others: &[Value; REGISTERS]) {
    for (register, other) in registers.iter_mut().zip(others) {
        if register != other {
            *register = Value::Unknown;
        }
    }
}

const RAX: usize = 0;
const RBX: usize = 3;
const RSP: usize = 4;
const RBP: usize = 5;
const RDI: usize = 7;

fn is_preserved(register: usize) -> bool {
    matches!(register, RBX | RBP | 12..=15)
}

/// What a function ever puts into a register that calls preserve.
#[derive(Clone, Default)]
struct Everything {
    values: Vec<Value>,
}

/// One function on its way through the decoder.
// Facts of their own, and no states of one machine.
#[allow(clippy::struct_excessive_bools)]
pub(super) struct Function<'image, 'data> {
    image: &'image Image<'data>,
    start: u64,
    end: u64,
    /// Where it jumps to inside itself, sorted, with the worst of how.
    joins: Vec<(u64, Join)>,
    /// What registers hold where a jump goes that was passed.
    pending: BTreeMap<u64, [Value; REGISTERS]>,
    /// What they hold where a jump from below goes, as far as that is known.
    below: BTreeMap<u64, [Value; REGISTERS]>,
    /// Whether jumps from below are supposed to change nothing that is not known of them.
    hopeful: bool,
    /// Whether the instruction before runs on into the next.
    runs_on: bool,
    registers: [Value; REGISTERS],
    preserved: Vec<Everything>,
    frame_pointer: bool,
    /// The unwinder may enter it in the middle.
    lands: bool,
    /// Addresses that it makes: where the tables of its jumps are.
    made: Vec<u64>,
    /// Calls and jumps through preserved registers, to be looked at when everything is known.
    late: Vec<(u64, usize, bool, First)>,
    /// Jumps by a table whose address another block made.
    late_tables: Vec<u64>,
    loads: Loads,
    references: Vec<(u64, Reference)>,
    indirects: Vec<Indirect>,
    info: InstructionInfoFactory,
}

/// Decodes the code between two addresses. With `open`, the end is only where it must end at the
/// latest: code without a symbol ends where nothing leads further.
pub(super) fn decode(image: &Image<'_>, start: u64, end: u64, open: bool) -> Decoded {
    let Some(bytes) = image.bytes_at(start) else { return Decoded::default() };
    let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
    let bytes = &bytes[..length.min(bytes.len())];
    let instructions = instructions(bytes, start, open);
    let end = instructions.last().map_or(start, Instruction::next_ip);
    let mut function = Function {
        image,
        start,
        end,
        joins: Vec::new(),
        pending: BTreeMap::new(),
        below: BTreeMap::new(),
        hopeful: false,
        runs_on: true,
        registers: [Value::Unknown; REGISTERS],
        preserved: vec![Everything::default(); REGISTERS],
        frame_pointer: false,
        lands: image.landing.is_between(start, end.max(start.saturating_add(1))),
        made: Vec::new(),
        late: Vec::new(),
        late_tables: Vec::new(),
        loads: Loads::default(),
        references: Vec::new(),
        indirects: Vec::new(),
        info: InstructionInfoFactory::new(),
    };
    function.find_joins(&instructions);
    function.steps(&instructions, open);
    if function.leaves_open() {
        function.again(&instructions, open);
    }
    Decoded { references: function.references.into(), indirects: function.indirects.into(), end }
}

fn instructions(bytes: &[u8], start: u64, open: bool) -> Vec<Instruction> {
    let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
    let mut instructions = Vec::with_capacity(bytes.len() / 4);
    let mut furthest = start;
    while decoder.can_decode() {
        let instruction = decoder.decode();
        instructions.push(instruction);
        if open {
            if is_direct_branch(&instruction) {
                furthest = furthest.max(instruction.near_branch_target());
            }
            if !falls_through(&instruction) && furthest < instruction.next_ip() {
                break;
            }
        }
    }
    instructions
}

fn is_direct_branch(instruction: &Instruction) -> bool {
    matches!(
        instruction.flow_control(),
        FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch
    ) && instruction.op0_kind() == OpKind::NearBranch64
}

fn falls_through(instruction: &Instruction) -> bool {
    !matches!(
        instruction.flow_control(),
        FlowControl::UnconditionalBranch
            | FlowControl::IndirectBranch
            | FlowControl::Return
            | FlowControl::Exception
    ) && !instruction.is_invalid()
        && instruction.mnemonic() != Mnemonic::Int3
        && instruction.mnemonic() != Mnemonic::Hlt
}

impl Function<'_, '_> {
    fn is_inside(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }

    fn steps(&mut self, instructions: &[Instruction], open: bool) {
        for instruction in instructions {
            self.step(instruction);
        }
        self.finish(instructions.last(), open);
    }

    fn step(&mut self, instruction: &Instruction) {
        let site = instruction.ip();
        if let Ok(at) = self.joins.binary_search_by_key(&site, |(target, _)| *target) {
            self.join(site, self.joins[at].1);
        }
        self.runs_on = falls_through(instruction);
        if instruction.is_invalid() {
            // Data among the code: what it is, nobody knows.
            self.registers = [Value::Unknown; REGISTERS];
            return;
        }
        self.follow_loads(instruction);
        let before = self.references.len();
        self.mentions(instruction);
        match instruction.flow_control() {
            FlowControl::Next => {
                self.values(instruction);
                self.begin_load(instruction, before);
            }
            FlowControl::Call => self.call(instruction),
            FlowControl::IndirectCall => {
                self.indirect(instruction, false);
                self.after_call();
            }
            _ if is_direct_branch(instruction) => {
                let target = instruction.near_branch_target();
                if self.is_inside(target) {
                    self.jump_to(target);
                } else {
                    self.refer(site, Reference::Code(target, self.first_argument()));
                }
            }
            FlowControl::IndirectBranch => self.indirect(instruction, true),
            FlowControl::Interrupt => {
                // `int 0x80` is the old way into the kernel.
                if instruction.code() == Code::Int_imm8 {
                    self.refer(site, Reference::SystemCall(None));
                }
                self.registers = [Value::Unknown; REGISTERS];
            }
            _ => {}
        }
        if !falls_through(instruction) {
            self.registers = [Value::Unknown; REGISTERS];
        }
    }

    fn refer(&mut self, site: u64, reference: Reference) {
        self.references.push((site, reference));
    }

    fn first_argument(&self) -> First {
        match self.registers[RDI] {
            Value::Known(value) => u32::try_from(value).map_or(First::UNKNOWN, First),
            _ => First::UNKNOWN,
        }
    }

    /// The addresses that an instruction names, other than as the target of a call.
    fn mentions(&mut self, instruction: &Instruction) {
        let site = instruction.ip();
        let goes = matches!(
            instruction.flow_control(),
            FlowControl::IndirectCall | FlowControl::IndirectBranch
        );
        if instruction.is_ip_rel_memory_operand() && !goes {
            let address = instruction.ip_rel_memory_address();
            if instruction.mnemonic() == Mnemonic::Lea {
                self.made.push(address);
                self.refer(site, Reference::Address(address));
            } else {
                self.refer(site, Reference::Memory(address));
            }
        }
        let immediates = &self.image.immediates;
        let first = immediates.partition_point(|(place, _)| *place < site);
        for (_, address) in
            immediates[first..].iter().take_while(|(place, _)| *place < instruction.next_ip())
        {
            self.made.push(*address);
            self.references.push((site, Reference::Address(*address)));
        }
    }

    fn call(&mut self, instruction: &Instruction) {
        let site = instruction.ip();
        match instruction.code() {
            Code::Syscall => {
                let number = match self.registers[RAX] {
                    Value::Known(number) => u32::try_from(number).ok(),
                    _ => None,
                };
                self.refer(site, Reference::SystemCall(number));
            }
            Code::Sysenter => self.refer(site, Reference::SystemCall(None)),
            _ if instruction.op0_kind() == OpKind::NearBranch64 => {
                let target = instruction.near_branch_target();
                // `call` of the next instruction is how old code finds out where it is.
                if target != self.start {
                    self.refer(site, Reference::Code(target, self.first_argument()));
                }
            }
            _ => {}
        }
        self.after_call();
    }

    /// In a function with landing pads also what a call preserves: where it does not return, the
    /// next instruction may be one, which is entered from elsewhere.
    fn after_call(&mut self) {
        for register in 0..REGISTERS {
            if self.lands || !is_preserved(register) {
                self.registers[register] = Value::Unknown;
            }
        }
    }

    /// A call or a jump through a register or memory.
    fn indirect(&mut self, instruction: &Instruction, jump: bool) {
        let site = instruction.ip();
        let (value, register) = match instruction.op0_kind() {
            OpKind::Register => {
                let register = number(instruction.op0_register());
                (register.map_or(Value::Unknown, |at| self.registers[at]), register)
            }
            OpKind::Memory => (self.loaded(instruction), None),
            _ => (Value::Unknown, None),
        };
        if jump && self.is_own_table(value) {
            return;
        }
        if let (true, Value::Target(0)) = (jump, value) {
            self.late_tables.push(site);
            return;
        }
        match (value, register) {
            (Value::Unknown, Some(register)) if is_preserved(register) => {
                self.late.push((site, register, jump, self.first_argument()));
            }
            _ => self.through(site, value, self.first_argument()),
        }
    }

    fn through(&mut self, site: u64, value: Value, first: First) {
        match value {
            Value::Known(address) if self.image.is_code(address) => {
                self.refer(site, Reference::Code(address, first));
            }
            Value::Loaded(place) if self.image.constant(place).is_some() => {
                self.refer(site, Reference::Slot(place, first));
            }
            Value::Field(distance) if distance == 0 || (distance >= 24 && distance % 8 == 0) => {
                self.indirects.push(Indirect { through: Through::Slot(distance), site });
            }
            _ => self.indirects.push(Indirect { through: Through::Pointer, site }),
        }
    }

    /// Whether this is a jump into the function itself through a table.
    fn is_own_table(&self, value: Value) -> bool {
        match value {
            Value::Target(table) if table != 0 => self.is_relative_table(table),
            Value::Absolute(table) => {
                let entry = self.image.word(table);
                matches!(entry, Some(Word::Address(address)) if self.is_inside(address))
            }
            _ => false,
        }
    }

    fn is_relative_table(&self, table: u64) -> bool {
        let entry = self.image.bytes_at(table).and_then(|bytes| bytes.first_chunk::<4>());
        entry.is_some_and(|entry| {
            let distance = i64::from(i32::from_le_bytes(*entry));
            !self.image.is_code(table) && self.is_inside(table.wrapping_add_signed(distance))
        })
    }

    fn finish(&mut self, last: Option<&Instruction>, open: bool) {
        for (site, register, jump, first) in std::mem::take(&mut self.late) {
            let everything = std::mem::take(&mut self.preserved[register].values);
            if everything.is_empty() || everything.contains(&Value::Unknown) {
                self.through(site, Value::Unknown, First::UNKNOWN);
            } else {
                // What it holds at this call is one of these.
                for value in &everything {
                    if !(jump && self.is_own_table(*value)) {
                        self.through(site, *value, first);
                    }
                }
            }
            self.preserved[register].values = everything;
        }
        self.forget_called_loads();
        let has_table = self.made.iter().any(|made| self.is_relative_table(*made));
        for site in std::mem::take(&mut self.late_tables) {
            if !has_table {
                self.through(site, Value::Unknown, First::UNKNOWN);
            }
        }
        if let Some(last) = last {
            let runs_on = falls_through(last)
                && !matches!(last.flow_control(), FlowControl::Call | FlowControl::IndirectCall);
            if runs_on && !open {
                let next = last.next_ip();
                self.refer(last.ip(), Reference::Code(next, First::UNKNOWN));
            }
        }
    }
}
