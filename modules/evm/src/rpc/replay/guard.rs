use crate::machine::Stop;
use alloy_primitives::{Address, U256, map::HashSet};
use revm::{
    Inspector,
    bytecode::opcode,
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, Interpreter,
        InterpreterAction,
        interpreter_types::{InputsTr as _, Jumps as _, LoopControl},
    },
};

/// What the record of one frame takes, in bytes, without its input and output.
const FRAME: usize = 1_024;
/// What the record of one step takes, in bytes, without stack and memory.
const STEP: usize = 320;
/// What a storage slot takes in the record of a step.
const SLOT: usize = 96;
/// What is made of a word of memory: its bytes, and the text that is answered.
const MEMORY_FACTOR: usize = 4;

/// Said where a record would take more than its share.
pub(super) const TOO_LARGE: &str = "the trace is too large";
/// Said where somebody asked to stop.
pub(super) const ABORTED: &str = "execution aborted";

/// What an inspector keeps of an execution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// A record of each step.
    pub(crate) steps: bool,
    /// The stack with each step.
    pub(crate) stack: bool,
    /// The memory with each step.
    pub(crate) memory: bool,
    /// With each step that reads or writes storage, all slots of the contract
    /// that were touched so far.
    pub(crate) storage: bool,
    /// The memory that each step writes.
    pub(crate) writes: bool,
}

/// Ends an execution that was asked to stop, or of which more is recorded than
/// there is room for. Stands before the inspector that records.
#[derive(Clone, Debug)]
pub(crate) struct Guard<'a> {
    stop: Stop<'a>,
    weight: Weight,
    left: usize,
    /// There was no room for something already.
    full: bool,
    /// Slots that steps have touched, where they are recorded.
    touched: HashSet<(Address, U256)>,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(stop: Stop<'a>, weight: Weight, room: usize) -> Self {
        Self {
            stop,
            weight,
            left: room,
            full: false,
            touched: HashSet::default(),
        }
    }

    /// Bytes that further records may take.
    pub(crate) const fn left(&self) -> usize {
        self.left
    }

    /// What the slots take that this step records.
    fn slots(&mut self, interp: &Interpreter) -> usize {
        if !matches!(interp.bytecode.opcode(), opcode::SLOAD | opcode::SSTORE) {
            return 0;
        }
        if let Ok(slot) = interp.stack.peek(0) {
            self.touched.insert((interp.input.target_address(), slot));
        }
        // Those of other contracts are counted with them: few touch several.
        SLOT * self.touched.len()
    }

    fn refuse<CTX: ContextTr>(&mut self, context: &mut CTX, bytes: usize) -> bool {
        let reason = match self.left.checked_sub(bytes) {
            Some(left) if !self.full => {
                self.left = left;
                if !self.stop.asked() {
                    return false;
                }
                ABORTED
            }
            _ => {
                self.full = true;
                TOO_LARGE
            }
        };
        if context.error().is_ok() {
            *context.error() = Err(ContextError::Custom(reason.into()));
        }
        true
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Guard<'_> {
    fn step(&mut self, interp: &mut Interpreter, context: &mut CTX) {
        let mut bytes = 0;
        if self.weight.steps {
            bytes = STEP;
            if self.weight.stack {
                bytes += 32 * interp.stack.len();
            }
            if self.weight.memory {
                bytes += MEMORY_FACTOR * interp.memory.len();
            }
            if self.weight.storage {
                bytes += self.slots(interp);
            }
            if self.weight.writes {
                bytes += written(interp);
            }
        }
        if self.refuse(context, bytes) {
            let result = InstructionResult::FatalExternalError;
            interp
                .bytecode
                .set_action(InterpreterAction::new_halt(result, interp.gas));
        }
    }

    fn call(&mut self, context: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.refuse(context, FRAME + inputs.input.len());
        None
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.refuse(context, FRAME + inputs.init_code().len());
        None
    }

    fn call_end(&mut self, context: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.refuse(context, outcome.result.output.len());
    }

    fn create_end(&mut self, context: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.refuse(context, outcome.result.output.len());
    }
}

/// Bytes of memory that the step is about to write, where it can pay for them.
fn written(interp: &Interpreter) -> usize {
    let size = match interp.bytecode.opcode() {
        opcode::CALLDATACOPY | opcode::CODECOPY | opcode::RETURNDATACOPY | opcode::MCOPY => 2,
        opcode::EXTCODECOPY => 3,
        _ => return 32,
    };
    let size = interp.stack.peek(size).unwrap_or_default();
    // Three gas a word.
    let paid = interp.gas.remaining() / 3 * 32;
    usize::try_from(size.min(U256::from(paid))).unwrap_or(usize::MAX)
}
