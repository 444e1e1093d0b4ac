use super::{EngineError, EvmEngine};
use crate::{
    machine::{self, CallError, CallOutcome, CallRequest, EstimateError, Overrides},
    store::StoreError,
};
use rollwright_core::BlockRef;

impl EvmEngine {
    /// Executes a message on the state after block `at`, in that block's
    /// environment, and commits nothing (`eth_call`).
    ///
    /// The outer error is the engine's, the inner one the message's.
    pub fn call(
        &self,
        at: &BlockRef,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Result<Result<CallOutcome, CallError<StoreError>>, EngineError> {
        let header = self.parent_header(at)?;
        let mut state = self.store().begin(at)?;
        Ok(machine::call(
            self.chain_config(),
            &header,
            &mut state,
            request,
            overrides,
        ))
    }

    /// The least gas limit with which a message succeeds on the state after
    /// block `at` (`eth_estimateGas`).
    ///
    /// The outer error is the engine's, the inner one the message's.
    pub fn estimate_gas(
        &self,
        at: &BlockRef,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Result<Result<u64, EstimateError<StoreError>>, EngineError> {
        let header = self.parent_header(at)?;
        let mut state = self.store().begin(at)?;
        Ok(machine::estimate(
            self.chain_config(),
            &header,
            &mut state,
            request,
            overrides,
        ))
    }
}
