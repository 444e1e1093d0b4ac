//! Ending a call from outside while it runs.

use super::{
    db::{StateDb, StateFailed},
    env::Evm,
};
use core::sync::atomic::{AtomicBool, Ordering};
use revm::{
    bytecode::opcode::{CALL, CALLCODE, CREATE, CREATE2, DELEGATECALL, JUMPDEST, STATICCALL},
    context_interface::{ContextTr, context::ContextError},
    handler::MainnetContext,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult, InstructionResult,
        instructions::{contract, control},
        interpreter::EthInterpreter,
    },
};
use rollwright_core::StateAccess;

/// Asks a running call to stop, from another thread.
///
/// The call looks at it at every jump target, call and creation, and before
/// every read of the state: no program gets far without one of them. What it
/// is in the middle of, a precompile for one, it finishes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stop<'a>(Option<&'a AtomicBool>);

impl<'a> Stop<'a> {
    /// Nobody will ask.
    pub const NEVER: Self = Self(None);

    /// Stops once the flag is true.
    pub const fn when(flag: &'a AtomicBool) -> Self {
        Self(Some(flag))
    }

    /// True where somebody may ask.
    pub(super) const fn is_possible(self) -> bool {
        self.0.is_some()
    }

    /// True once somebody asked.
    pub fn asked(self) -> bool {
        self.0.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }
}

type Host<'a, S> = MainnetContext<StateDb<'a, S>>;
type Step<'s, 'a, S> = InstructionContext<'s, Host<'a, S>, EthInterpreter>;

/// Makes the EVM look at the flag of its state access.
pub(super) fn heed<S: StateAccess>(evm: &mut Evm<'_, S>) {
    let table = &mut evm.instruction;
    let costs = *table.gas_table();
    let mut replace = |opcode, instruction| {
        table.insert_instruction(opcode, instruction, costs[usize::from(opcode)]);
    };
    replace(JUMPDEST, Instruction::new(jumpdest));
    replace(CALL, Instruction::new(call::<CALL, S>));
    replace(CALLCODE, Instruction::new(call::<CALLCODE, S>));
    replace(DELEGATECALL, Instruction::new(call::<DELEGATECALL, S>));
    replace(STATICCALL, Instruction::new(call::<STATICCALL, S>));
    replace(CREATE, Instruction::new(create::<false, S>));
    replace(CREATE2, Instruction::new(create::<true, S>));
}

fn jumpdest<S: StateAccess>(step: Step<'_, '_, S>) -> InstructionExecResult {
    look(step.host)?;
    control::jumpdest(step)
}

fn call<const KIND: u8, S: StateAccess>(step: Step<'_, '_, S>) -> InstructionExecResult {
    look(step.host)?;
    contract::call::<KIND, _, _>(step)
}

fn create<const SALTED: bool, S: StateAccess>(step: Step<'_, '_, S>) -> InstructionExecResult {
    look(step.host)?;
    contract::create::<SALTED, _, _>(step)
}

/// Ends the execution as a failure of the state access does.
fn look<S: StateAccess>(host: &mut Host<'_, S>) -> InstructionExecResult {
    if host.db_mut().stopped() {
        *host.error() = Err(ContextError::Db(StateFailed));
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}
