//! The instructions and precompiles of one block.

use crate::{
    genesis::{ChainConfig, Eip, Eips},
    precompile::ChainPrecompiles,
};
use revm::{
    bytecode::opcode::{CLZ, DUPN, EXCHANGE, SLOTNUM, SWAPN},
    handler::instructions::EthInstructions,
    interpreter::{
        Host, Instruction, InstructionContext, InstructionExecResult, instruction_table,
        instructions::{bitwise, gas_table_spec, stack},
        interpreter::EthInterpreter,
    },
    primitives::hardfork::SpecId,
};

/// What `CfgEnv` does not say of a block's rules. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Vm {
    fork: SpecId,
    /// The fork that revm is told, which may be a later one.
    told: SpecId,
    eips: Eips,
    precompiles: ChainPrecompiles,
}

type Step<'s, H> = InstructionContext<'s, H, EthInterpreter>;

impl Vm {
    pub(super) fn new(config: &ChainConfig, fork: SpecId, told: SpecId, timestamp: u64) -> Self {
        Self {
            fork,
            told,
            eips: config.eips_at(timestamp),
            precompiles: ChainPrecompiles::new(fork, config.precompile_table(fork, timestamp)),
        }
    }

    pub(crate) const fn precompiles(&self) -> &ChainPrecompiles {
        &self.precompiles
    }

    /// The instructions: the fork's, and the switched ones.
    pub(crate) fn instructions<H: Host>(&self) -> EthInstructions<EthInterpreter, H> {
        let gas = gas_table_spec(self.fork);
        let mut table = EthInstructions::new(instruction_table(), gas, self.told);
        if self.eips.is_empty() {
            return table;
        }
        let mut put = |opcode: u8, instruction| {
            table.insert_instruction(opcode, instruction, gas[usize::from(opcode)]);
        };
        if self.eips.has(Eip::Eip7939) {
            put(CLZ, Instruction::new(clz));
        }
        let amsterdam = self.eips.has(Eip::Eip8024);
        put(DUPN, choose(amsterdam, Instruction::new(dupn)));
        put(SWAPN, choose(amsterdam, Instruction::new(swapn)));
        put(EXCHANGE, choose(amsterdam, Instruction::new(exchange)));
        // Amsterdam's alone: what it reads stands in Amsterdam's header.
        put(SLOTNUM, Instruction::unknown());
        table
    }
}

fn choose<H: Host>(
    on: bool,
    instruction: Instruction<EthInterpreter, H>,
) -> Instruction<EthInterpreter, H> {
    if on {
        instruction
    } else {
        Instruction::unknown()
    }
}

fn clz<H: Host>(step: Step<'_, H>) -> InstructionExecResult {
    as_of(SpecId::OSAKA, step, bitwise::clz)
}

fn dupn<H: Host>(step: Step<'_, H>) -> InstructionExecResult {
    as_of(SpecId::AMSTERDAM, step, stack::dupn)
}

fn swapn<H: Host>(step: Step<'_, H>) -> InstructionExecResult {
    as_of(SpecId::AMSTERDAM, step, stack::swapn)
}

fn exchange<H: Host>(step: Step<'_, H>) -> InstructionExecResult {
    as_of(SpecId::AMSTERDAM, step, stack::exchange)
}

/// Executes one instruction as the fork that brings it has it.
fn as_of<H: Host>(
    fork: SpecId,
    step: Step<'_, H>,
    run: fn(Step<'_, H>) -> InstructionExecResult,
) -> InstructionExecResult {
    let InstructionContext { interpreter, host } = step;
    let before = core::mem::replace(&mut interpreter.runtime_flag.spec_id, fork);
    let result = run(InstructionContext {
        interpreter: &mut *interpreter,
        host,
    });
    interpreter.runtime_flag.spec_id = before;
    result
}
