mod build;
mod execute;
mod forced;
mod heads;
mod records;
mod state;

#[cfg(test)]
mod tests;

use super::{
    Report, Stop, ensure, ensure_kind, fail,
    report::{Verdict, suite},
};
use crate::{
    Address, Anchor, Attributes, BlockId, BlockInput, BlockRef, Built, Bytes, Candidate,
    CandidateOutcome, CandidateSource, DaHeight, DaOrdinal, DaPoint, ExecuteOutcome, Executed,
    Execution, ExecutionWitness, ForcedBudget, ForcedId, ForcedTx, Header, Heads, ProofKey,
    keccak256,
};
use std::collections::VecDeque;

/// What the suite does to an execution layer.
///
/// One harness is one store with one chain in it, which nobody else uses. Its
/// chain has a funded account, whose transactions the harness signs.
#[allow(async_fn_in_trait, reason = "the suite awaits in place")]
pub trait ExecutionHarness {
    /// The implementation under test.
    type Execution: Execution;

    /// Opens the store as a process does that starts. A further call is a
    /// restart after `kill -9`: only what is durable is left. Handles from
    /// before are dropped first.
    async fn open(&self) -> Self::Execution;

    /// The same chain over a new, empty store.
    async fn fresh(&self) -> Self::Execution;

    /// Another chain over the *same* store, if the implementation can be
    /// opened that far; `None` where opening fails already.
    async fn open_as_other_chain(&self) -> Option<Self::Execution> {
        None
    }

    /// The `n`th transaction of the funded account, from 0: valid once all
    /// before it are included, each with other bytes.
    fn transaction(&self, n: u64) -> Bytes;

    /// A transaction that decodes, and that its sender can never pay for.
    fn unpayable(&self) -> Bytes;

    /// An existing account with a slot or two, and one that does not exist.
    fn proof_keys(&self) -> Vec<ProofKey>;

    /// Executes an input on its parent with nothing but a witness: the header,
    /// or why the witness does not suffice. `None` where there is no stateless
    /// execution.
    fn execute_stateless(
        &self,
        parent: &Header,
        input: &BlockInput,
        witness: &ExecutionWitness,
    ) -> Option<Result<Header, String>> {
        let _ = (parent, input, witness);
        None
    }

    /// Attributes of a child of `parent`. The suite changes single fields.
    fn attributes(&self, parent: &Header) -> Attributes {
        attributes_on(parent)
    }
}

/// Attributes that suit most engines: one second and one DA block after the
/// parent, its gas limit, half of that for forced entries.
pub(super) fn attributes_on(parent: &Header) -> Attributes {
    let ordinal = parent.number + 1;
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(ordinal),
        hash: keccak256(ordinal.to_le_bytes()),
    };
    let data_root = keccak256(origin.hash);
    Attributes {
        timestamp: parent.timestamp + 1,
        fee_recipient: Address::repeat_byte(0xfe),
        gas_limit: parent.gas_limit,
        anchor: Anchor::at(origin, DaOrdinal(ordinal), data_root, parent.timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget {
            gas: parent.gas_limit / 2,
            bytes: 100_000,
            validations: 64,
        },
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: 1_000_000,
        max_transactions: 1_000,
    }
}

/// Runs the suite of [`Execution`]; `new` makes a fresh, empty store.
pub async fn execution<H: ExecutionHarness, F: AsyncFn() -> H>(new: F) -> Report {
    let mut report = Report::new("execution");
    suite!(report, new,
        heads: [
            there_are_no_heads_before_genesis,
            genesis_is_made_once,
            a_store_of_another_chain_is_refused,
        ],
        build: [
            a_block_without_transactions_is_built,
            the_header_says_what_the_attributes_say,
            candidates_are_included_in_order,
            an_unpayable_candidate_is_reported_and_left_out,
            a_garbage_candidate_is_reported_and_left_out,
            a_candidate_with_a_nonce_gap_waits,
            building_stops_at_the_count,
            building_stops_at_the_bytes,
            building_moves_no_head,
            building_on_an_unknown_parent_is_rejected,
            building_is_deterministic,
        ],
        execute: [
            executing_what_was_built_gives_the_same_block,
            executing_again_gives_the_same_block,
            an_executed_block_is_answered_after_a_restart,
            garbage_makes_the_block_invalid_at_its_index,
            an_unpayable_transaction_makes_the_block_invalid,
            a_transaction_out_of_order_makes_the_block_invalid,
            time_that_falls_makes_the_block_invalid,
            an_invalid_block_leaves_nothing_behind,
            executing_on_an_unknown_parent_is_rejected,
            every_input_field_decides_the_hash,
        ],
        forced: [
            a_forced_transaction_stands_first,
            forced_garbage_is_skipped_and_stops_nothing,
            a_forced_transaction_is_attempted_once,
            a_candidate_already_forced_is_left_out,
            an_entry_without_validations_left_waits,
            an_entry_without_gas_left_waits,
            an_entry_larger_than_every_block_is_skipped,
            forced_blocks_execute_as_they_were_built,
            inputs_that_make_one_block_are_told_their_own_outcomes,
        ],
        heads: [
            a_head_that_is_set_is_read_back,
            setting_heads_again_is_harmless,
            several_blocks_become_canonical_at_once,
            competing_blocks_live_side_by_side,
            a_reorganisation_returns_what_left_newest_first,
            a_rolled_back_state_is_the_former_one,
            a_block_that_left_can_come_back,
            heads_can_go_back_to_an_ancestor,
            a_final_block_is_never_undone,
            an_unknown_head_is_rejected,
            heads_that_are_no_chain_are_rejected,
            a_restart_keeps_the_chain_and_forgets_the_rest,
        ],
        records: [
            records_commit_with_heads,
            records_of_a_failed_commit_are_not_written,
            records_are_listed_by_prefix_in_order,
            records_survive_a_restart,
        ],
        state: [
            proofs_hold_against_the_header,
            a_flipped_byte_breaks_a_state_proof,
            a_proof_of_an_older_block_holds,
            a_block_that_is_not_canonical_is_not_proved,
            a_witness_suffices_to_execute_the_block,
            a_witness_holds_nothing_needless,
            a_transaction_is_admitted_with_its_facts,
            a_hopeless_transaction_is_not_admitted,
            effects_match_the_block,
        ],
    );
    report
}

/// Candidates in a fixed order, and what became of them.
#[derive(Debug, Default)]
struct Pool {
    waiting: VecDeque<Candidate>,
    reports: Vec<(Bytes, CandidateOutcome)>,
}

impl Pool {
    fn new(transactions: impl IntoIterator<Item = Bytes>) -> Self {
        let waiting = transactions
            .into_iter()
            .map(|bytes| Candidate {
                hash: keccak256(&bytes),
                bytes,
            })
            .collect();
        Self {
            waiting,
            reports: Vec::new(),
        }
    }
}

impl CandidateSource for Pool {
    fn next(&mut self, _gas_left: u64, _bytes_left: u64) -> Option<Candidate> {
        self.waiting.pop_front()
    }

    fn report(&mut self, candidate: &Candidate, outcome: CandidateOutcome) {
        self.reports.push((candidate.bytes.clone(), outcome));
    }
}

/// An open engine with its genesis block.
struct Chain<'a, H: ExecutionHarness> {
    harness: &'a H,
    engine: H::Execution,
    genesis: BlockRef,
}

impl<'a, H: ExecutionHarness> Chain<'a, H> {
    async fn open(harness: &'a H) -> Result<Self, Stop> {
        Self::with(harness, harness.open().await).await
    }

    async fn fresh(harness: &'a H) -> Result<Self, Stop> {
        Self::with(harness, harness.fresh().await).await
    }

    async fn with(harness: &'a H, engine: H::Execution) -> Result<Self, Stop> {
        let genesis = engine.genesis().await?;
        Ok(Self {
            harness,
            engine,
            genesis,
        })
    }

    fn header(&self, block: &BlockRef) -> Result<Header, Stop> {
        use crate::ChainStore as _;
        match self.engine.header(BlockId::Hash(block.hash))? {
            Some(header) => Ok(header),
            None => fail(format!("the header of block {} is missing", block.number)),
        }
    }

    fn attributes(&self, parent: &BlockRef) -> Result<Attributes, Stop> {
        Ok(self.harness.attributes(&self.header(parent)?))
    }

    /// Builds with transactions `from..to` of the funded account.
    async fn build(&self, parent: &BlockRef, from: u64, to: u64) -> Result<Built, Stop> {
        let attributes = self.attributes(parent)?;
        self.build_with(parent, attributes, from, to).await
    }

    async fn build_with(
        &self,
        parent: &BlockRef,
        attributes: Attributes,
        from: u64,
        to: u64,
    ) -> Result<Built, Stop> {
        let mut pool = Pool::new((from..to).map(|n| self.harness.transaction(n)));
        let built = self.engine.build(parent, attributes, &mut pool).await?;
        Ok(built)
    }

    /// A chain of `count` blocks on `parent`, with one transaction each.
    async fn extend(&self, parent: BlockRef, first: u64, count: u64) -> Result<Vec<Built>, Stop> {
        let mut chain: Vec<Built> = Vec::new();
        for n in first..first + count {
            let parent = chain.last().map_or(parent, |built| built.executed.block);
            chain.push(self.build(&parent, n, n + 1).await?);
        }
        Ok(chain)
    }

    /// A competing child of `parent`, one second later than [`Self::build`].
    async fn sibling(&self, parent: &BlockRef, from: u64, to: u64) -> Result<Built, Stop> {
        let mut attributes = self.attributes(parent)?;
        attributes.timestamp += 1;
        self.build_with(parent, attributes, from, to).await
    }

    async fn set_latest(&self, latest: BlockRef) -> Result<Vec<BlockRef>, Stop> {
        let heads = Heads {
            latest,
            ..Heads::all(self.genesis)
        };
        let removed = self.engine.set_heads(&heads, &[]).await?;
        Ok(removed.into_iter().map(|record| record.block).collect())
    }

    async fn execute_valid(&self, input: &BlockInput) -> Result<Executed, Stop> {
        match self.engine.execute(input).await? {
            ExecuteOutcome::Valid(executed) => Ok(executed),
            ExecuteOutcome::Invalid(invalid) => fail(format!("the block is invalid: {invalid:?}")),
        }
    }
}

fn forced(index: u32, bytes: Bytes) -> ForcedTx {
    ForcedTx {
        id: ForcedId {
            ordinal: DaOrdinal(1),
            index,
        },
        bytes,
    }
}

/// Bytes that are no transaction of any engine.
fn garbage() -> Vec<Bytes> {
    vec![
        Bytes::new(),
        Bytes::from_static(&[0]),
        Bytes::from_static(&[0xff; 7]),
        Bytes::from_static(b"\x02\xc0"),
        Bytes::from(vec![0xf8; 300]),
        Bytes::from(keccak256("garbage").to_vec()),
    ]
}
