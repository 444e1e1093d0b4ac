use super::{
    failure::{Failure, failure},
    precompiles::{MovedPrecompiles, Moves},
    state::CachedState,
};
use crate::{
    machine::{Environment, Facts, below_floor},
    rpc::error::{Answer, EthError},
};
use alloy_consensus::Header;
use alloy_eips::{eip2935::HISTORY_STORAGE_ADDRESS, eip4788::BEACON_ROOTS_ADDRESS};
use revm::{
    DatabaseCommit as _, InspectEvm as _, Inspector, SystemCallEvm as _,
    context::{Context, Evm, TxEnv},
    context_interface::result::ResultAndState,
    handler::{EthFrame, MainnetContext, instructions::EthInstructions},
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
    state::EvmState,
};

/// What inspectors see.
pub(crate) type Watched<'s> = MainnetContext<&'s mut CachedState>;

/// revm over a cached state.
pub(super) type WatchedEvm<'s, I> = Evm<
    Watched<'s>,
    I,
    EthInstructions<EthInterpreter, Watched<'s>>,
    MovedPrecompiles,
    EthFrame<EthInterpreter>,
>;

/// One transaction or message, and the environment that it is executed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) tx: &'a TxEnv,
    pub(crate) moves: &'a Moves,
    /// What a refusal speaks of.
    pub(crate) facts: Facts,
    /// Bytes that the record may take, for the error that says so.
    pub(crate) room: usize,
}

impl Run<'_> {
    /// Executes it under `inspector`. `read` sees what it did, and the state
    /// before it; the changes are returned, not made.
    pub(crate) fn watch<I, T>(
        &self,
        state: &mut CachedState,
        inspector: I,
        read: impl FnOnce(&mut I, &ResultAndState, &mut CachedState) -> Answer<T>,
    ) -> Answer<(T, EvmState)>
    where
        I: for<'s> Inspector<Watched<'s>>,
    {
        self.watch_or(state, inspector, read, |error| self.refused(error))
    }

    /// The answer for an execution that could not be made.
    pub(crate) fn refused(&self, error: Failure) -> EthError {
        failure(error, &self.facts, self.tx.caller, self.room)
    }

    /// As [`watch`](Self::watch), with words of the caller's own for an
    /// execution that could not be made.
    pub(crate) fn watch_or<I, T, E: From<EthError>>(
        &self,
        state: &mut CachedState,
        inspector: I,
        read: impl FnOnce(&mut I, &ResultAndState, &mut CachedState) -> Answer<T>,
        refused: impl FnOnce(Failure) -> E,
    ) -> Result<(T, EvmState), E>
    where
        I: for<'s> Inspector<Watched<'s>>,
    {
        if let Some(error) = below_floor(&self.environment.cfg, self.tx) {
            return Err(refused(Failure::Transaction(error)));
        }
        let mut evm = evm(self.environment, self.moves, state, inspector);
        let result = evm.inspect_tx(self.tx.clone()).map_err(refused)?;
        let before = &mut *evm.ctx.journaled_state.database;
        let answer = read(&mut evm.inspector, &result, before)?;
        Ok((answer, result.state))
    }
}

/// An EVM over `state` with `inspector` in it.
fn evm<'s, I>(
    environment: &Environment,
    moves: &Moves,
    state: &'s mut CachedState,
    inspector: I,
) -> WatchedEvm<'s, I> {
    let Environment { cfg, block, vm } = environment;
    let mut context: Watched<'s> = Context::new(state, cfg.spec);
    context.cfg = cfg.clone();
    context.block = block.clone();
    let precompiles = MovedPrecompiles::new(vm.precompiles(), moves);
    Evm::new_with_inspector(context, inspector, vm.instructions(), precompiles)
}

/// The calls that a block makes before its transactions, EIP-4788 and
/// EIP-2935, as the machine makes them.
pub(crate) fn system_calls(
    environment: &Environment,
    state: &mut CachedState,
    header: &Header,
) -> Answer<()> {
    let root = header.parent_beacon_block_root.unwrap_or_default();
    let calls = [
        (SpecId::CANCUN, BEACON_ROOTS_ADDRESS, root),
        (SpecId::PRAGUE, HISTORY_STORAGE_ADDRESS, header.parent_hash),
    ];
    let moves = Moves::default();
    for (since, address, word) in calls {
        if !environment.cfg.spec.is_enabled_in(since) {
            continue;
        }
        let result = evm(environment, &moves, state, ())
            .system_call(address, word.into())
            .map_err(|error| EthError::Server(error.to_string()))?;
        state.commit(result.state);
    }
    Ok(())
}
