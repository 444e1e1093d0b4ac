use super::{
    executor::BlockExecutor, refusal::Refusal, rules::Frame, seal::BlockOutcome,
    transaction::SenderSource,
};
use crate::genesis::ChainConfig;
use alloc::{string::ToString, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::Bytes;
use rollwright_core::{
    ApplyError, Attributes, Candidate, CandidateOutcome, CandidateSource, StateAccess,
};

/// Gas of the cheapest transaction: below it no candidate can fit.
const CHEAPEST_GAS: u64 = 21_000;

/// A new block, with what a batch carries of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltBlock {
    /// As if executed.
    pub outcome: BlockOutcome,
    /// The ordinary transactions that were chosen, in order.
    pub ordinary: Vec<Bytes>,
}

/// Builds a block on `parent`'s state: due forced entries, then candidates for
/// as long as gas, bytes, count and EIP-7934 allow. Commits the changes to
/// `state`.
///
/// Executing the attributes with [`BuiltBlock::ordinary`] gives the same
/// header: both go through the same executor. Invalid are only attributes that
/// no block can have (a timestamp that does not rise, for example); a
/// candidate never is the reason.
pub fn build<S: StateAccess>(
    config: &ChainConfig,
    parent: &Header,
    state: &mut S,
    attributes: &Attributes,
    candidates: &mut (impl CandidateSource + ?Sized),
    senders: &impl SenderSource,
) -> Result<BuiltBlock, ApplyError<S::Error>> {
    let frame = Frame {
        parent_hash: parent.hash_slow(),
        timestamp: attributes.timestamp,
        fee_recipient: attributes.fee_recipient,
        gas_limit: attributes.gas_limit,
        anchor: &attributes.anchor,
    };
    let mut executor = BlockExecutor::open(config, parent, &frame, state)?;
    executor.evm.ctx.cfg.disable_eip3607 |= senders.impersonates();
    executor.pretend(senders.pretended());
    let forced = executor.forced(&attributes.forced, &attributes.forced_budget, senders)?;
    let mut chosen = Chosen::default();
    while chosen.count < attributes.max_transactions {
        let gas_left = executor.gas_left();
        let bytes_left = executor
            .size
            .left()
            .min(attributes.max_bytes.saturating_sub(chosen.bytes));
        if gas_left < CHEAPEST_GAS || bytes_left == 0 {
            break;
        }
        let Some(candidate) = candidates.next(gas_left, bytes_left) else {
            break;
        };
        let verdict = try_candidate(&mut executor, &candidate, bytes_left, senders)?;
        if verdict.is_ok() {
            chosen.add(&candidate);
        }
        candidates.report(&candidate, report(verdict));
    }
    Ok(BuiltBlock {
        outcome: executor.seal(forced, attributes.anchor.clone())?,
        ordinary: chosen.transactions,
    })
}

#[derive(Debug, Default)]
struct Chosen {
    count: u32,
    bytes: u64,
    transactions: Vec<Bytes>,
}

impl Chosen {
    fn add(&mut self, candidate: &Candidate) {
        self.count += 1;
        self.bytes += candidate.bytes.len() as u64;
        self.transactions.push(candidate.bytes.clone());
    }
}

fn try_candidate<S: StateAccess>(
    executor: &mut BlockExecutor<'_, S>,
    candidate: &Candidate,
    bytes_left: u64,
    senders: &impl SenderSource,
) -> Result<Result<(), Refusal>, ApplyError<S::Error>> {
    let have = candidate.bytes.len() as u64;
    if have > bytes_left {
        return Ok(Err(Refusal::TooLarge {
            have,
            limit: bytes_left,
        }));
    }
    match senders.candidate(candidate) {
        Ok(tx) => Ok(executor.transact(&tx)?.map(drop)),
        Err(error) => Ok(Err(error.into())),
    }
}

fn report(verdict: Result<(), Refusal>) -> CandidateOutcome {
    match verdict {
        Ok(()) => CandidateOutcome::Included,
        Err(refusal) if refusal.may_pass_later() => CandidateOutcome::Later,
        Err(refusal) => CandidateOutcome::Invalid(refusal.to_string()),
    }
}
