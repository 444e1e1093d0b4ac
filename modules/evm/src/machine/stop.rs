//! Ending a call from outside while it runs.

use super::{
    db::{StateDb, StateFailed},
    env::Evm,
};
use alloy_primitives::U256;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use revm::{
    bytecode::opcode::{
        CALL, CALLCODE, CALLDATACOPY, CODECOPY, CREATE, CREATE2, DELEGATECALL, EXTCODECOPY,
        JUMPDEST, KECCAK256, MCOPY, RETURNDATACOPY, STATICCALL,
    },
    context_interface::{ContextTr, context::ContextError},
    handler::MainnetContext,
    interpreter::{
        Instruction, InstructionContext, InstructionExecResult, InstructionResult,
        instructions::{contract, control, host, memory, system},
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
pub struct Stop<'a>(Reason<'a>);

#[derive(Clone, Copy, Debug, Default)]
enum Reason<'a> {
    /// Nobody asks.
    #[default]
    None,
    /// Somebody else says when.
    Flag(&'a AtomicBool),
    /// The work itself has become too much.
    Budget(&'a Budget),
}

/// How much work may be done at once, on a thread that others wait for.
///
/// Work is counted where a call looks whether it is to stop, so what is between
/// two looks is done to its end: a few milliseconds at most.
#[derive(Debug)]
pub struct Budget(AtomicU32);

/// What a jump target counts.
const STEP: u32 = 1;
/// What a read of the state, a copy or a hash counts.
const READ: u32 = 4;
/// What a call or a creation counts.
const FRAME: u32 = 16;
/// Gas that one frame may use, its calls included.
const FRAME_GAS: u64 = 300_000;

impl Budget {
    /// So many jump targets, or a quarter as many reads.
    pub const fn new(units: u32) -> Self {
        Self(AtomicU32::new(units))
    }

    /// True once there was too much to do: what was answered then is no answer.
    pub fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Counts work; true where it was too much. One thread alone counts.
    fn take(&self, units: u32) -> bool {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(units);
        self.0.store(left, Ordering::Relaxed);
        left == 0
    }
}

impl<'a> Stop<'a> {
    /// Nobody will ask.
    pub const NEVER: Self = Self(Reason::None);

    /// Stops once the flag is true.
    pub const fn when(flag: &'a AtomicBool) -> Self {
        Self(Reason::Flag(flag))
    }

    /// Stops once there is more to do than the budget allows.
    pub const fn within(budget: &'a Budget) -> Self {
        Self(Reason::Budget(budget))
    }

    /// True where somebody may ask.
    pub(super) const fn is_possible(self) -> bool {
        !matches!(self.0, Reason::None)
    }

    /// True once somebody asked, or there is too much to do; counts a read.
    pub fn asked(self) -> bool {
        self.asked_after(READ)
    }

    /// As [`asked`](Self::asked), after so much work.
    pub(crate) fn asked_after(self, units: u32) -> bool {
        match self.0 {
            Reason::None => false,
            Reason::Flag(flag) => flag.load(Ordering::Relaxed),
            Reason::Budget(budget) => budget.take(units),
        }
    }

    /// As [`asked`](Self::asked), in a frame that has used so much gas.
    fn asked_at(self, gas: u64, units: u32) -> bool {
        let units = match gas {
            0..=FRAME_GAS => units,
            _ => u32::MAX,
        };
        self.asked_after(units)
    }

    const fn is_budget(self) -> bool {
        matches!(self.0, Reason::Budget(_))
    }
}

type Host<'a, S> = MainnetContext<StateDb<'a, S>>;
type Step<'s, 'a, S> = InstructionContext<'s, Host<'a, S>, EthInterpreter>;

/// Makes the EVM look whether its state access wants it to stop.
pub(super) fn heed<S: StateAccess>(evm: &mut Evm<'_, S>) {
    let counts = evm.ctx.journaled_state.database.stop.is_budget();
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
    if counts {
        // They take long for what is one step.
        replace(KECCAK256, Instruction::new(keccak256));
        replace(MCOPY, Instruction::new(mcopy));
        replace(CALLDATACOPY, Instruction::new(calldatacopy));
        replace(CODECOPY, Instruction::new(codecopy));
        replace(EXTCODECOPY, Instruction::new(extcodecopy));
        replace(RETURNDATACOPY, Instruction::new(returndatacopy));
    }
}

fn jumpdest<S: StateAccess>(mut step: Step<'_, '_, S>) -> InstructionExecResult {
    look(&mut step, STEP)?;
    control::jumpdest(step)
}

fn call<const KIND: u8, S: StateAccess>(mut step: Step<'_, '_, S>) -> InstructionExecResult {
    let units = frame(&step);
    look(&mut step, units)?;
    contract::call::<KIND, _, _>(step)
}

fn create<const SALTED: bool, S: StateAccess>(mut step: Step<'_, '_, S>) -> InstructionExecResult {
    look(&mut step, FRAME)?;
    contract::create::<SALTED, _, _>(step)
}

macro_rules! looking {
    ($($name:ident of $module:ident),*) => {
        $(fn $name<S: StateAccess>(mut step: Step<'_, '_, S>) -> InstructionExecResult {
            look(&mut step, READ)?;
            $module::$name(step)
        })*
    };
}

looking!(
    keccak256 of system,
    mcopy of memory,
    calldatacopy of system,
    codecopy of system,
    extcodecopy of host,
    returndatacopy of system
);

/// What a call counts: a precompile that may take long is too much at once.
fn frame<S: StateAccess>(step: &Step<'_, '_, S>) -> u32 {
    let to = step.interpreter.stack.peek(1).unwrap_or_default();
    match is_slow_precompile(to) {
        true => u32::MAX,
        false => FRAME,
    }
}

/// True where a precompile may stand, other than the first four: those hash,
/// copy, or recover one signature.
pub(crate) fn is_slow_precompile(address: U256) -> bool {
    (U256::from(5)..U256::from(0x1_0000)).contains(&address)
}

/// Ends the execution as a failure of the state access does.
fn look<S: StateAccess>(step: &mut Step<'_, '_, S>, units: u32) -> InstructionExecResult {
    let gas = &step.interpreter.gas;
    let used = gas.limit().saturating_sub(gas.remaining());
    let host = &mut *step.host;
    if host.db_mut().stop.asked_at(used, units) {
        *host.error() = Err(ContextError::Db(StateFailed));
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}
