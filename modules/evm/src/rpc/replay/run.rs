use super::{failure::failure, state::CachedState};
use crate::{machine::Facts, rpc::error::Answer};
use revm::{
    InspectEvm as _, Inspector, MainBuilder as _, MainnetEvm,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::result::ResultAndState,
    handler::MainnetContext,
    state::EvmState,
};

/// What inspectors see.
pub(crate) type Watched<'s> = MainnetContext<&'s mut CachedState>;

/// revm over a cached state.
pub(super) type WatchedEvm<'s, I> = MainnetEvm<Watched<'s>, I>;

/// One transaction or message, and the environment that it is executed in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) cfg: &'a CfgEnv,
    pub(crate) env: &'a BlockEnv,
    pub(crate) tx: &'a TxEnv,
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
        let mut evm = evm(self.cfg, self.env, state, inspector);
        let result = evm
            .inspect_tx(self.tx.clone())
            .map_err(|error| failure(error, &self.facts, self.tx.caller, self.room))?;
        let before = &mut *evm.ctx.journaled_state.database;
        let answer = read(&mut evm.inspector, &result, before)?;
        Ok((answer, result.state))
    }
}

/// An EVM over `state` with `inspector` in it.
pub(super) fn evm<'s, I>(
    cfg: &CfgEnv,
    env: &BlockEnv,
    state: &'s mut CachedState,
    inspector: I,
) -> WatchedEvm<'s, I> {
    let mut context: Watched<'s> = Context::new(state, cfg.spec);
    context.cfg = cfg.clone();
    context.block = env.clone();
    context.build_mainnet_with_inspector(inspector)
}
