use alloy_primitives::{Address, B256, Log, LogData, U256, address, b256};
use revm::{
    Inspector,
    context_interface::{ContextTr, JournalTr as _},
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// Said to have emitted the logs of plain transfers.
const EMITTER: Address = address!("0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// keccak256 of `Transfer(address,address,uint256)`.
const TRANSFER: B256 = b256!("0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// The logs of a call in the order of execution, those of plain transfers
/// among them where wanted; what was reverted leaves none.
#[derive(Clone, Debug, Default)]
pub(super) struct Logs {
    transfers: bool,
    logs: Vec<Log>,
    /// Logs there were when each frame began.
    frames: Vec<usize>,
}

impl Logs {
    pub(super) fn new(transfers: bool) -> Self {
        Self {
            transfers,
            ..Self::default()
        }
    }

    pub(super) fn take(&mut self) -> Vec<Log> {
        std::mem::take(&mut self.logs)
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if self.transfers && !value.is_zero() {
            let topics = vec![TRANSFER, from.into_word(), to.into_word()];
            let data = B256::from(value).0.into();
            self.logs.push(Log {
                address: EMITTER,
                data: LogData::new_unchecked(topics, data),
            });
        }
    }

    fn end(&mut self, succeeded: bool) {
        if let Some(begun) = self.frames.pop()
            && !succeeded
        {
            self.logs.truncate(begun);
        }
    }
}

impl<CTX: ContextTr> Inspector<CTX> for Logs {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.logs.push(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(self.logs.len());
        if let Some(value) = inputs.transfer_value() {
            self.transfer(inputs.transfer_from(), inputs.transfer_to(), value);
        }
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(outcome.result.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.frames.push(self.logs.len());
        if self.transfers && !inputs.value().is_zero() {
            let caller = context.journal_mut().load_account(inputs.caller());
            let nonce = caller.ok()?.data.info.nonce;
            let created = inputs.created_address(nonce);
            self.transfer(inputs.caller(), created, inputs.value());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(outcome.result.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
