use super::{DaOrdinal, DaPoint};
use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

/// What a block knows of the world outside: its hash is the header's
/// `parent_beacon_block_root`, which Ethereum's own EIP-4788 call stores.
///
/// Borsh, in field order, version byte first. Counterpart roots are computed
/// by the deriver and never carried by a batch.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct Anchor {
    /// Format version; 1.
    pub version: u8,
    /// The DA block that this block is built on.
    pub origin: DaPoint,
    /// That DA block's data root.
    pub data_root: B256,
    /// That DA block's time in Unix seconds.
    pub da_time: u64,
    /// That DA block's ordinal.
    pub ordinal: DaOrdinal,
    /// Roots of counterpart chains, ascending by rollup id.
    pub counterparts: Vec<CounterpartRoot>,
    /// Hash of the block's mailbox entries; zero without any.
    pub mailbox: B256,
}

/// A counterpart chain's state as of a lagged DA ordinal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct CounterpartRoot {
    /// Genesis hash of the counterpart.
    pub rollup_id: B256,
    /// Block number of the counterpart.
    pub number: u64,
    /// Its block hash.
    pub block_hash: B256,
    /// Its state root.
    pub state_root: B256,
}

impl Anchor {
    /// The version that this crate writes.
    pub const VERSION: u8 = 1;

    /// The anchor of a block on the given DA block, without counterparts.
    pub fn at(origin: DaPoint, ordinal: DaOrdinal, data_root: B256, da_time: u64) -> Self {
        Self {
            version: Self::VERSION,
            origin,
            data_root,
            da_time,
            ordinal,
            counterparts: Vec::new(),
            mailbox: B256::ZERO,
        }
    }

    /// The preimage that the `Anchor` predeploy opens.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(160);
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out
    }

    /// keccak256 of [`encode`](Self::encode): the `parent_beacon_block_root`.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// `prev_randao` of block `number` on this anchor's origin:
    /// keccak256("rollwright/prev_randao/v1" ‖ DA hash ‖ number, u64 LE).
    ///
    /// Not random: the sequencer chooses among origins.
    pub fn prev_randao(&self, number: u64) -> B256 {
        let mut input = Vec::with_capacity(72);
        input.extend_from_slice(b"rollwright/prev_randao/v1");
        input.extend_from_slice(self.origin.hash.as_slice());
        input.extend_from_slice(&number.to_le_bytes());
        keccak256(input)
    }
}
