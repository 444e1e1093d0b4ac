use alloy_primitives::{Address, U256};
use revm::{
    Inspector,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome},
};

/// Whether an address takes part in a transaction, and who created it there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    wanted: Address,
    /// True once it was called, called somebody, was created or paid.
    pub(super) seen: bool,
    /// Who created it last.
    pub(super) creator: Option<Address>,
}

impl Parties {
    pub(super) const fn new(wanted: Address) -> Self {
        Self {
            wanted,
            seen: false,
            creator: None,
        }
    }

    fn see(&mut self, address: Address) {
        self.seen |= address == self.wanted;
    }
}

impl<CTX> Inspector<CTX> for Parties {
    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.see(inputs.caller);
        self.see(inputs.target_address);
        self.see(inputs.bytecode_address);
        None
    }

    fn create(&mut self, _: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.see(inputs.caller());
        None
    }

    fn create_end(&mut self, _: &mut CTX, inputs: &CreateInputs, outcome: &mut CreateOutcome) {
        if let Some(address) = outcome.address
            && outcome.result.result.is_ok()
            && address == self.wanted
        {
            self.seen = true;
            self.creator = Some(inputs.caller());
        }
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, _: U256) {
        self.see(contract);
        self.see(target);
    }
}
