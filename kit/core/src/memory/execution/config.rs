use super::state::State;
use crate::{B256, Bytes, Header, U256};
use alloy_consensus::constants::EMPTY_OMMER_ROOT_HASH;
use alloy_primitives::{Address, b256};
use alloy_trie::EMPTY_ROOT_HASH;
use borsh::{BorshDeserialize, BorshSerialize};

/// SHA-256 of nothing: no requests (EIP-7685).
pub(super) const EMPTY_REQUESTS_HASH: B256 =
    b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");

/// Configuration of a chain of the in-memory engine.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemoryGenesis {
    /// Stands in every transaction.
    pub chain_id: u64,
    /// Unix seconds of the genesis block.
    pub timestamp: u64,
    /// Gas limit of the genesis block.
    pub gas_limit: u64,
    /// Price per gas of every block, in wei, which is burned.
    pub base_fee: u64,
    /// True where a block may repeat its parent's timestamp, as on a chain
    /// with blocks below one second.
    pub repeats_timestamps: bool,
    /// Accounts and their balances in wei.
    pub balances: Vec<(Address, U256)>,
    /// The genesis header's `extra_data`.
    pub extra_data: Bytes,
}

impl Default for MemoryGenesis {
    /// Chain 1337 since 1,699,999,999, one second before
    /// [`MemoryDaConfig`](crate::memory::MemoryDaConfig) starts; 30 M gas, no
    /// base fee; ten accounts `0x01…01` to `0x0a…0a` with 10^18 wei each.
    fn default() -> Self {
        Self {
            chain_id: 1337,
            timestamp: 1_699_999_999,
            gas_limit: 30_000_000,
            base_fee: 0,
            repeats_timestamps: false,
            balances: (1..=10)
                .map(|byte| (Address::repeat_byte(byte), U256::from(10u64.pow(18))))
                .collect(),
            extra_data: Bytes::new(),
        }
    }
}

impl MemoryGenesis {
    pub(super) fn state(&self) -> State {
        State::with_balances(&self.balances)
    }

    /// The genesis header; its hash names the chain.
    pub fn header(&self) -> Header {
        Header {
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            state_root: self.state().root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            gas_limit: self.gas_limit,
            timestamp: self.timestamp,
            extra_data: self.extra_data.clone(),
            base_fee_per_gas: Some(self.base_fee),
            withdrawals_root: Some(EMPTY_ROOT_HASH),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(B256::ZERO),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        }
    }
}
