//! What both families of traces do: execute again what is asked for, under an
//! inspector, and read from it.

use crate::{
    machine::Stop,
    rpc::{
        api::EthApi,
        call,
        error::{Answer, EthError},
        reads,
        replay::{CachedState, Executed, Guard, Message, Overrides, Replay, Watched, Weight},
        request::CallRequest,
    },
    store::StoredBlock,
};
use alloy_primitives::B256;
use revm::{Inspector, context_interface::result::ResultAndState};
use rollwright_core::{BlockId, BlockRef};
use std::sync::Arc;

/// An inspector, and what it keeps of an execution.
pub(super) type Watching<I> = (Weight, I);

/// A mined transaction, or geth's words for its absence.
pub(super) fn mined(api: &EthApi, hash: &B256) -> Answer<(Arc<StoredBlock>, usize)> {
    reads::find(api, hash)?.ok_or_else(|| EthError::server("transaction not found"))
}

/// The transaction at `index`.
pub(super) fn one<I, T>(
    api: &EthApi,
    (block, index): &(Arc<StoredBlock>, usize),
    (weight, inspector): Watching<I>,
    stop: Stop<'_>,
    read: impl FnOnce(&mut I, &mut Executed<'_>) -> Answer<T>,
) -> Answer<T>
where
    I: for<'s> Inspector<Watched<'s>>,
{
    let mut replay = Replay::begin(api, block, stop)?;
    replay.skip_to(*index)?;
    let guard = Guard::new(stop, weight, api.config.max_trace_bytes);
    replay.watch((guard, inspector), |(_, inspector), mut executed| {
        read(inspector, &mut executed)
    })
}

/// All transactions in order, each under an inspector of its own. Their records
/// are held at once, and have the room of one.
pub(super) fn each<I, T>(
    api: &EthApi,
    block: &Arc<StoredBlock>,
    stop: Stop<'_>,
    mut watching: impl FnMut() -> Answer<Watching<I>>,
    mut read: impl FnMut(&mut I, &mut Executed<'_>) -> Answer<T>,
) -> Answer<Vec<T>>
where
    I: for<'s> Inspector<Watched<'s>>,
{
    let mut room = api.config.max_trace_bytes;
    let mut replay = Replay::begin(api, block, stop)?;
    let mut all = Vec::with_capacity(replay.len());
    for _ in 0..replay.len() {
        let (weight, inspector) = watching()?;
        let guard = Guard::new(stop, weight, room);
        let one = replay.watch((guard, inspector), |(guard, inspector), mut executed| {
            room = guard.left();
            read(inspector, &mut executed)
        })?;
        all.push(one);
    }
    Ok(all)
}

/// A message that nobody signed, in the environment of the block `at`.
pub(super) struct Asked<'a> {
    pub(super) request: &'a CallRequest,
    pub(super) at: BlockRef,
    pub(super) overrides: &'a Overrides,
}

impl Asked<'_> {
    /// Executes it on `state`.
    pub(super) fn trace<I, T>(
        &self,
        api: &EthApi,
        mut state: CachedState,
        (weight, inspector): Watching<I>,
        stop: Stop<'_>,
        read: impl FnOnce(&mut I, &Message, &ResultAndState, &mut CachedState) -> Answer<T>,
    ) -> Answer<T>
    where
        I: for<'s> Inspector<Watched<'s>>,
    {
        let header = api.store.header(BlockId::Hash(self.at.hash))?;
        let header = header.ok_or(EthError::HeaderNotFound)?;
        let request = call::message(api, self.request)?;
        let message = Message::new(api, &header, &mut state, &request, self.overrides)?;
        let guard = Guard::new(stop, weight, api.config.max_trace_bytes);
        let (answer, _) = message.watch(
            &mut state,
            (guard, inspector),
            |(_, inspector), result, before| read(inspector, &message, result, before),
        )?;
        Ok(answer)
    }
}
