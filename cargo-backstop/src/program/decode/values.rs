//! What an instruction leaves in the registers.

use iced_x86::{Instruction, Mnemonic, OpAccess, OpKind, Register};

use super::{Function, RBP, RSP, Value, is_preserved, number};

impl Function<'_, '_> {
    /// What an instruction reads from its memory operand, eight bytes wide.
    pub(super) fn loaded(&self, instruction: &Instruction) -> Value {
        if instruction.is_ip_rel_memory_operand() {
            return Value::Loaded(instruction.ip_rel_memory_address());
        }
        let distance = instruction.memory_displacement64();
        let base = match instruction.memory_base() {
            Register::None => Some(0),
            register => match number(register).map(|at| (at, self.registers[at])) {
                Some((_, Value::Known(base))) => Some(base),
                Some((RSP, _)) => None,
                Some((RBP, _)) if self.frame_pointer => None,
                Some(_) if instruction.memory_index() == Register::None => {
                    return u32::try_from(distance).map_or(Value::Unknown, Value::Field);
                }
                _ => None,
            },
        };
        let Some(base) = base else { return Value::Unknown };
        let address = base.wrapping_add(distance);
        match (instruction.memory_index(), instruction.memory_index_scale()) {
            (Register::None, _) => Value::Loaded(address),
            (_, 8) => Value::Absolute(address),
            _ => Value::Unknown,
        }
    }

    /// What an instruction leaves in the registers.
    pub(super) fn values(&mut self, instruction: &Instruction) {
        let target = (instruction.op_count() > 0 && instruction.op0_kind() == OpKind::Register)
            .then(|| number(instruction.op0_register()))
            .flatten();
        let wide = instruction.op0_register().size() >= 4;
        let source = (instruction.op1_kind() == OpKind::Register)
            .then(|| number(instruction.op1_register()))
            .flatten();
        let value = match instruction.mnemonic() {
            Mnemonic::Lea => {
                if instruction.is_ip_rel_memory_operand() {
                    Value::Known(instruction.ip_rel_memory_address())
                } else {
                    Value::Unknown
                }
            }
            Mnemonic::Mov if wide => match instruction.op1_kind() {
                OpKind::Register => source.map_or(Value::Unknown, |at| self.registers[at]),
                OpKind::Memory if instruction.op0_register().size() == 8 => {
                    self.loaded(instruction)
                }
                OpKind::Immediate32 | OpKind::Immediate32to64 | OpKind::Immediate64 => {
                    Value::Known(instruction.immediate(1))
                }
                _ => Value::Unknown,
            },
            Mnemonic::Xor if wide && source.is_some() && source == target => Value::Known(0),
            Mnemonic::Movsxd if instruction.op1_kind() == OpKind::Memory => {
                self.table_entry(instruction)
            }
            Mnemonic::Add if source.is_some() => self.table_target(target, source),
            // Writes no register, or only what is its first operand.
            Mnemonic::Cmp | Mnemonic::Test | Mnemonic::Nop | Mnemonic::Bt | Mnemonic::Push => {
                return;
            }
            Mnemonic::Pop => {
                // What a preserved register gets back at the end is the caller's, and not called.
                if let Some(target) = target {
                    self.registers[target] = Value::Unknown;
                }
                return;
            }
            Mnemonic::Mov
            | Mnemonic::Add
            | Mnemonic::Sub
            | Mnemonic::And
            | Mnemonic::Or
            | Mnemonic::Xor
            | Mnemonic::Movzx
            | Mnemonic::Movsx
            | Mnemonic::Movsxd
            | Mnemonic::Shl
            | Mnemonic::Shr
            | Mnemonic::Sar
            | Mnemonic::Inc
            | Mnemonic::Dec
            | Mnemonic::Neg
            | Mnemonic::Not
            | Mnemonic::Sete
            | Mnemonic::Setne
            | Mnemonic::Movups
            | Mnemonic::Movaps
            | Mnemonic::Movdqu
            | Mnemonic::Movdqa
            | Mnemonic::Xorps => Value::Unknown,
            _ => {
                self.forget_written(instruction);
                return;
            }
        };
        if let Some(target) = target {
            self.set(target, value);
        }
    }

    fn set(&mut self, register: usize, value: Value) {
        self.registers[register] = value;
        if is_preserved(register) {
            let values = &mut self.preserved[register].values;
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    // movsxd REG, [TABLE + INDEX * 4]
    fn table_entry(&self, instruction: &Instruction) -> Value {
        if instruction.memory_index() == Register::None
            || instruction.memory_index_scale() != 4
            || instruction.memory_displacement64() != 0
        {
            return Value::Unknown;
        }
        match number(instruction.memory_base()).map(|at| self.registers[at]) {
            Some(Value::Known(table)) => Value::JumpEntry(table),
            Some(_) => Value::JumpEntry(0),
            None => Value::Unknown,
        }
    }

    // add ENTRY, TABLE
    fn table_target(&self, target: Option<usize>, source: Option<usize>) -> Value {
        let (Some(target), Some(source)) = (target, source) else { return Value::Unknown };
        match (self.registers[target], self.registers[source]) {
            (Value::JumpEntry(table), Value::Known(base)) if table == base => Value::Target(table),
            (Value::Known(base), Value::JumpEntry(table)) if table == base => Value::Target(table),
            (Value::JumpEntry(0), Value::Unknown) | (Value::Unknown, Value::JumpEntry(0)) => {
                Value::Target(0)
            }
            _ => Value::Unknown,
        }
    }

    fn forget_written(&mut self, instruction: &Instruction) {
        let mut written = Vec::new();
        for used in self.info.info(instruction).used_registers() {
            let writes = !matches!(used.access(), OpAccess::Read | OpAccess::CondRead);
            if let (true, Some(register)) = (writes, number(used.register())) {
                written.push(register);
            }
        }
        for register in written {
            self.set(register, Value::Unknown);
        }
    }
}
