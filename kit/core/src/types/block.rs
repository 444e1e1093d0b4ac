use super::{Anchor, ForcedBudget, ForcedOutcome, ForcedTx};
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

/// A block of the rollup, named so that no other block can be meant.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct BlockRef {
    /// Block number.
    pub number: u64,
    /// Block hash.
    pub hash: B256,
}

/// Everything that decides a block besides its parent's state and the chain
/// configuration. Two nodes with equal inputs hold equal blocks.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockInput {
    /// The parent.
    pub parent: BlockRef,
    /// Unix seconds.
    pub timestamp: u64,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// Block gas limit, from configuration.
    pub gas_limit: u64,
    /// The outside world; gives `parent_beacon_block_root` and `prev_randao`.
    pub anchor: Anchor,
    /// Due forced entries in queue order; executed before anything else.
    pub forced: Vec<ForcedTx>,
    /// What forced entries may spend.
    pub forced_budget: ForcedBudget,
    /// Ordinary transactions in order; each must be valid at its place.
    pub transactions: Vec<Bytes>,
    /// Encoded ticks of a tick engine; empty on other engines.
    pub ticks: Vec<Bytes>,
    /// Mailbox entries; empty without a shared sequencer.
    pub inbox: Vec<Bytes>,
}

impl BlockInput {
    /// Number of the block that this input makes.
    pub const fn number(&self) -> u64 {
        self.parent.number.saturating_add(1)
    }

    /// keccak256 of the borsh encoding. Equal hashes are equal blocks, so a
    /// node that has the block need not execute it again.
    pub fn hash(&self) -> B256 {
        let mut out = Vec::with_capacity(256);
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        keccak256(out)
    }
}

/// What the sequencer decides before it picks transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Unix seconds.
    pub timestamp: u64,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// Block gas limit.
    pub gas_limit: u64,
    /// The outside world.
    pub anchor: Anchor,
    /// Due forced entries in queue order.
    pub forced: Vec<ForcedTx>,
    /// What forced entries may spend.
    pub forced_budget: ForcedBudget,
    /// Encoded ticks.
    pub ticks: Vec<Bytes>,
    /// Mailbox entries.
    pub inbox: Vec<Bytes>,
    /// Stop picking transactions once their sum of encoded lengths reaches this.
    pub max_bytes: u64,
    /// Stop picking transactions at this count.
    pub max_transactions: u32,
}

impl Attributes {
    /// The block input on `parent` with the given ordinary transactions.
    pub fn into_input(self, parent: BlockRef, transactions: Vec<Bytes>) -> BlockInput {
        BlockInput {
            parent,
            timestamp: self.timestamp,
            fee_recipient: self.fee_recipient,
            gas_limit: self.gas_limit,
            anchor: self.anchor,
            forced: self.forced,
            forced_budget: self.forced_budget,
            transactions,
            ticks: self.ticks,
            inbox: self.inbox,
        }
    }
}

/// A block whose execution succeeded. It is not part of the chain until
/// [`set_heads`](crate::Execution::set_heads) says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Number and hash.
    pub block: BlockRef,
    /// The sealed header.
    pub header: Header,
    /// State root of the parent.
    pub pre_root: B256,
    /// What became of each due forced entry, in the order of the input.
    pub forced: Vec<ForcedOutcome>,
    /// [`BlockInput::hash`] of the input.
    pub input_hash: B256,
    /// Number of transactions in the block, forced ones included.
    pub transactions: u32,
}

/// Result of executing an input that came from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "one per block, and the large variant is the usual one"
)]
pub enum ExecuteOutcome {
    /// The block is valid.
    Valid(Executed),
    /// The block can never be valid on its parent. Deterministic.
    Invalid(InvalidBlock),
}

/// Why an input makes no block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InvalidBlock {
    /// Index in [`BlockInput::transactions`] of the transaction at fault;
    /// `None` where the fault lies elsewhere.
    pub transaction: Option<u32>,
    /// The reason, for people. Nothing matches on it.
    pub reason: alloc::string::String,
}

/// A built block with the input that makes it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// As if executed.
    pub executed: Executed,
    /// Executing this gives the same block hash.
    pub input: BlockInput,
}

/// A block as the engine keeps it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockRecord {
    /// Number and hash.
    pub block: BlockRef,
    /// The parent's number and hash.
    pub parent: BlockRef,
    /// Unix seconds.
    pub timestamp: u64,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// State root after the block.
    pub state_root: B256,
    /// Gas used by the whole block.
    pub gas_used: u64,
    /// The anchor whose hash the header holds; `None` for genesis.
    pub anchor: Option<Anchor>,
    /// Forced transactions that were included, in order.
    pub forced_included: Vec<Bytes>,
    /// The due entries that the block looked at, with what became of each.
    pub forced: Vec<(super::ForcedId, ForcedOutcome)>,
    /// Ordinary transactions, in order: what a batch carries.
    pub transactions: Vec<Bytes>,
    /// [`BlockInput::hash`]; zero for genesis.
    pub input_hash: B256,
}

/// What a block did, as settlement and shared sequencing need it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct BlockEffects {
    /// EIP-2718 receipts, forced transactions first.
    pub receipts: Vec<Bytes>,
    /// Storage root of the message passer after the block; the empty root
    /// without one. Stands in a [`Commitment`](super::Commitment).
    pub outbox_root: B256,
    /// Mailbox events in execution order.
    pub mailbox_events: Vec<super::EngineLog>,
}

/// Names a stored block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockId {
    /// The canonical block of that number.
    Number(u64),
    /// A block by hash, canonical or not.
    Hash(B256),
}

/// The rollup's heads. Each is an ancestor of, or equal to, the one before.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    BorshSerialize,
    BorshDeserialize,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct Heads {
    /// Preconfirmed by the sequencer.
    pub latest: BlockRef,
    /// Derived from observed DA.
    pub safe: BlockRef,
    /// Derived from final DA.
    pub finalized: BlockRef,
}

impl Heads {
    /// All three heads at one block.
    pub const fn all(block: BlockRef) -> Self {
        Self {
            latest: block,
            safe: block,
            finalized: block,
        }
    }
}

/// A key and its new value in the node's own records; `None` deletes.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RecordChange {
    /// At most 128 bytes.
    pub key: Bytes,
    /// The value, or `None` to delete.
    pub value: Option<Bytes>,
}

impl RecordChange {
    /// Sets `key` to `value`.
    pub fn put(key: impl Into<Bytes>, value: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            value: Some(value.into()),
        }
    }

    /// Removes `key`.
    pub fn delete(key: impl Into<Bytes>) -> Self {
        Self {
            key: key.into(),
            value: None,
        }
    }
}

/// What an engine is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutionCaps {
    /// Name and rule version; stands in every claim.
    pub vm_id: super::VmId,
    /// Chain id of the running chain.
    pub chain_id: u64,
    /// Ticks per second of a tick engine.
    pub ticks_hz: Option<u32>,
    /// True where a block without transactions is allowed.
    pub empty_blocks: bool,
    /// True where transactions pay fees.
    pub fees: bool,
}

/// A transaction offered to a block under construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Transaction hash.
    pub hash: B256,
    /// Encoded transaction.
    pub bytes: Bytes,
}

/// What building made of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateOutcome {
    /// In the block.
    Included,
    /// Never valid again on this state; drop it, with the reason.
    Invalid(alloc::string::String),
    /// Not now (does not fit, or not valid yet); keep it. The source skips the
    /// sender's later transactions for this block.
    Later,
}

/// Where a builder gets its transactions: the pool, lazily, best first.
pub trait CandidateSource: Send {
    /// The next candidate that needs at most `gas_left` gas and `bytes_left`
    /// bytes; `None` ends the block.
    fn next(&mut self, gas_left: u64, bytes_left: u64) -> Option<Candidate>;

    /// Reports on the candidate last returned, before `next` is called again.
    fn report(&mut self, candidate: &Candidate, outcome: CandidateOutcome);
}

/// Facts of a transaction that a pool orders by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Transaction hash.
    pub hash: B256,
    /// Recovered signer.
    pub sender: Address,
    /// The transaction's nonce.
    pub nonce: u64,
    /// The signer's next nonce in the latest state.
    pub account_nonce: u64,
    /// The signer's balance in the latest state.
    pub balance: alloy_primitives::U256,
    /// The most that the transaction can take from the balance.
    pub max_cost: alloy_primitives::U256,
    /// Gas limit.
    pub gas_limit: u64,
    /// Highest price per gas, in wei.
    pub max_fee_per_gas: u128,
    /// Highest tip per gas, in wei; equals `max_fee_per_gas` for types 0 and 1.
    pub max_priority_fee_per_gas: u128,
    /// Encoded length in bytes.
    pub bytes: u64,
}
