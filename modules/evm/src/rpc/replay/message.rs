use super::{
    overrides::{self, Overrides},
    precompiles::Moves,
    run::{Run, Watched},
    state::CachedState,
};
use crate::{
    machine::{self, CallError, CallRequest, Environment, Facts},
    rpc::{
        api::EthApi,
        error::{Answer, EthError},
    },
    store::StoreError,
};
use alloy_consensus::Header;
use revm::{
    Database as _, Inspector, context::TxEnv, context_interface::result::ResultAndState,
    state::EvmState,
};

/// A message without a signature, under the same rules as `eth_call`'s.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) environment: Environment,
    pub(crate) tx: TxEnv,
    moves: Moves,
    facts: Facts,
    room: usize,
}

impl Message {
    /// Puts the overrides into `state`, and fills in what the request leaves
    /// open.
    pub(crate) fn new(
        api: &EthApi,
        header: &Header,
        state: &mut CachedState,
        request: &CallRequest,
        overrides: &Overrides,
    ) -> Answer<Self> {
        let header = overrides.machine.block.apply(header);
        let environment =
            machine::call_environment(&api.chain, &header, request, &overrides.machine);
        overrides.check(environment.vm.precompiles())?;
        overrides::apply(state, &overrides.machine)?;
        let account = state.basic(request.from).map_err(EthError::from)?;
        let account = account.unwrap_or_default();
        let (nonce, gas_limit) =
            machine::call_defaults::<StoreError>(account.balance, account.nonce, &header, request)
                .map_err(|error| match error {
                    CallError::Refused(machine::Refusal::InsufficientFunds { have, want }) => {
                        EthError::funds(request.from, have, want)
                    }
                    error => EthError::Server(error.to_string()),
                })?;
        Ok(Self {
            environment,
            tx: machine::call_transaction(request, nonce, gas_limit),
            moves: overrides.moves.clone(),
            facts: Facts {
                gas_limit,
                ..Facts::of(api.chain.chain_id, &header)
            },
            room: api.config.max_trace_bytes,
        })
    }

    /// As [`Run::watch`].
    pub(crate) fn watch<I, T>(
        &self,
        state: &mut CachedState,
        inspector: I,
        read: impl FnOnce(&mut I, &ResultAndState, &mut CachedState) -> Answer<T>,
    ) -> Answer<(T, EvmState)>
    where
        I: for<'s> Inspector<Watched<'s>>,
    {
        self.run().watch(state, inspector, read)
    }

    /// The message as something to execute.
    pub(crate) const fn run(&self) -> Run<'_> {
        Run {
            environment: &self.environment,
            tx: &self.tx,
            moves: &self.moves,
            facts: self.facts,
            room: self.room,
        }
    }
}
