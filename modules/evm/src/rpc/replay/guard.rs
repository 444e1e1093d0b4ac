use crate::machine::Stop;
use revm::{
    Inspector,
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, Interpreter,
        InterpreterAction, interpreter_types::LoopControl,
    },
};

/// What the record of one frame takes, in bytes, without its input.
const FRAME: usize = 1_024;
/// What the record of one step takes, in bytes, without stack and memory.
const STEP: usize = 320;

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
}

/// Ends an execution that was asked to stop, or of which more is recorded than
/// there is room for. Stands before the inspector that records.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guard<'a> {
    stop: Stop<'a>,
    weight: Weight,
    left: usize,
}

impl<'a> Guard<'a> {
    pub(crate) const fn new(stop: Stop<'a>, weight: Weight, room: usize) -> Self {
        Self {
            stop,
            weight,
            left: room,
        }
    }

    /// Bytes that further records may take.
    pub(crate) const fn left(&self) -> usize {
        self.left
    }

    fn refuse<CTX: ContextTr>(&mut self, context: &mut CTX, bytes: usize) -> bool {
        let reason = match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                if !self.stop.asked() {
                    return false;
                }
                ABORTED
            }
            None => TOO_LARGE,
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
                bytes += interp.memory.len();
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
}
