use super::DaOrdinal;
use alloy_primitives::{B256, Bytes};
use borsh::{BorshDeserialize, BorshSerialize};

/// Names one entry of the forced queue for ever: where it was admitted.
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
)]
pub struct ForcedId {
    /// Ordinal of the DA block that admitted it.
    pub ordinal: DaOrdinal,
    /// Position among the entries admitted there.
    pub index: u32,
}

/// A forced transaction that is due in a block.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ForcedTx {
    /// Its place in the queue.
    pub id: ForcedId,
    /// The EIP-2718 bytes.
    pub bytes: Bytes,
}

/// What a block may spend on forced transactions (`derivation.md`, forced lane).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ForcedBudget {
    /// An entry starts while the gas used by forced entries is below this; it
    /// may overshoot.
    pub gas: u64,
    /// Sum of encoded lengths of included entries.
    pub bytes: u64,
    /// Number of entries that may be looked at.
    pub validations: u32,
}

/// What became of one due entry. Depends on the parent state and the block's
/// origin alone.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum ForcedOutcome {
    /// Executed; it leaves the queue.
    Included {
        /// Transaction hash.
        hash: B256,
    },
    /// Invalid at its place for good; it leaves the queue.
    Skipped {
        /// Why, as a stable code of the engine.
        reason: u16,
    },
    /// Valid but for its fee cap: it stays until its time to live ends.
    Underpriced,
    /// No room in this block, or not looked at: it waits for the next.
    Waits,
}

impl ForcedOutcome {
    /// True where the entry leaves the queue.
    pub const fn is_consumed(&self) -> bool {
        matches!(self, Self::Included { .. } | Self::Skipped { .. })
    }
}
