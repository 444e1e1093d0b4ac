use super::{
    executor::BlockExecutor,
    refusal::Refusal,
    rules::{Frame, invalid},
    seal::BlockOutcome,
    transaction::{PlainRecovery, SenderSource},
};
use crate::genesis::ChainConfig;
use alloc::{format, string::ToString};
use alloy_consensus::Header;
use alloy_primitives::b256;
use rollwright_core::{
    Applied, ApplyError, BlockInput, InvalidBlock, StateAccess, StateMachine, VmId,
};

/// Ethereum's rules as a state machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvmMachine;

impl StateMachine for EvmMachine {
    /// `VmId::new("rollwright-evm", 1)`.
    const VM_ID: VmId = VmId(b256!(
        "0xb486e20c150a45f6f4ab332152f80dca78727f3eefaa8f0ba5bcaac68571a938"
    ));

    type Config = ChainConfig;

    fn apply<S: StateAccess>(
        config: &ChainConfig,
        parent: &Header,
        state: &mut S,
        input: &BlockInput,
    ) -> Result<Applied, ApplyError<S::Error>> {
        execute(config, parent, state, input, &PlainRecovery).map(|outcome| outcome.applied)
    }
}

/// Executes `input` on `parent`'s state, and commits the changes to `state`.
///
/// Forced entries come first and each has an outcome; an ordinary transaction
/// that is invalid at its place makes the block invalid, with its index. A
/// failure of the state access is `ApplyError::State` and no verdict.
/// Deterministic in all arguments; `senders` can't change the result, only
/// save work.
pub fn execute<S: StateAccess>(
    config: &ChainConfig,
    parent: &Header,
    state: &mut S,
    input: &BlockInput,
    senders: &impl SenderSource,
) -> Result<BlockOutcome, ApplyError<S::Error>> {
    check_parent(parent, input).map_err(ApplyError::Invalid)?;
    let frame = Frame {
        parent_hash: input.parent.hash,
        timestamp: input.timestamp,
        fee_recipient: input.fee_recipient,
        gas_limit: input.gas_limit,
        anchor: &input.anchor,
    };
    let mut executor = BlockExecutor::open(config, parent, &frame, state)?;
    let forced = executor.forced(&input.forced, &input.forced_budget, senders)?;
    for (index, bytes) in input.transactions.iter().enumerate() {
        let verdict = match senders.recovered(bytes) {
            Ok(tx) => executor.transact(&tx)?.map(drop),
            Err(error) => Err(error.into()),
        };
        verdict.map_err(|refusal| ApplyError::Invalid(at(index, &refusal)))?;
    }
    executor.seal(forced, input.anchor.clone())
}

fn check_parent(parent: &Header, input: &BlockInput) -> Result<(), InvalidBlock> {
    let hash = parent.hash_slow();
    if input.parent.number != parent.number || input.parent.hash != hash {
        return Err(invalid(format!(
            "the input builds on block {} {}, and the parent is {} {hash}",
            input.parent.number, input.parent.hash, parent.number
        )));
    }
    if !input.ticks.is_empty() || !input.inbox.is_empty() {
        return Err(invalid("an EVM chain has no ticks and no mailbox entries"));
    }
    Ok(())
}

fn at(index: usize, refusal: &Refusal) -> InvalidBlock {
    InvalidBlock {
        transaction: u32::try_from(index).ok(),
        reason: refusal.to_string(),
    }
}
