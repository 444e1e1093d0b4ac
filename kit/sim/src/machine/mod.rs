//! Which execution layer a run is on.

mod evm;
mod memory;

pub use evm::EvmChain;
pub use memory::MemoryChain;

use alloy_primitives::{Address, B256, Bytes, U256};
use rollwright_core::{BlockRef, Execution, Header, LayerError, ProofKey};
use rollwright_derive::{CodecId, Derivable, RollupConfig};
use rollwright_reference::Payloads;
use std::fmt;

/// Accounts that have money at genesis.
pub const ACCOUNTS: usize = 8;

/// What an account is for.
pub mod account {
    /// The first of those who use the pool; the others follow.
    pub const USERS: usize = 0;
    /// How many they are.
    pub const USER_COUNT: usize = 4;
    /// Uses the forced lane, and posts again until it is included.
    pub const FORCED: usize = 4;
    /// Fills the forced lane with what is valid.
    pub const FLOODER: usize = 5;
    /// In batches that the sequencer did not make.
    pub const RIVAL: usize = 6;
    /// Of the scenarios.
    pub const OTHER: usize = 7;
}

/// An execution layer with a way to write transactions for it.
pub trait Chain: Clone + fmt::Debug + Send + Sync + 'static {
    /// The engine.
    type Engine: Derivable<Codec: fmt::Debug> + fmt::Debug;
    /// What outlives a process.
    type Store: Clone + fmt::Debug + Send + Sync + 'static;

    /// The batch format, read a second time.
    type Payloads: Payloads;

    /// The second reading of its batches.
    fn payloads(engine: &Self::Engine) -> Self::Payloads;

    /// A chain with this configuration.
    fn new(config: &RollupConfig) -> Self;

    /// The codecs that its batches may use.
    fn codecs() -> Vec<CodecId>;

    /// An empty store.
    fn store(&self) -> Self::Store;

    /// The engine over a store.
    fn open(&self, store: &Self::Store) -> Self::Engine;

    /// A store with the state of a canonical block of another engine, as an
    /// engine's snapshot brings it, and the records.
    fn import(
        &self,
        from: &Self::Engine,
        block: BlockRef,
        records: &[rollwright_core::RecordChange],
    ) -> Self::Store;

    /// An account by its index below [`ACCOUNTS`].
    fn account(index: usize) -> Address;

    /// A transfer that goes into every block where the nonce fits.
    fn transfer(from: usize, nonce: u64, to: Address, value: u64) -> Bytes;

    /// A transfer with the least fee cap that there is.
    fn cheap(from: usize, nonce: u64, to: Address) -> Bytes;

    /// A transfer from an account that has nothing.
    fn unfunded(seed: u64) -> Bytes;

    /// A transfer for no chain in particular, or for another one.
    fn foreign(from: usize, nonce: u64) -> Bytes;

    /// What a block burned.
    fn burned(header: &Header) -> U256;
}

/// Polls a future once that never waits: those of an engine in memory.
///
/// # Panics
///
/// Where it waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("an engine in memory waits for nothing"),
    }
}

/// Ends a run that cannot go on: an engine in memory has failed.
///
/// # Panics
///
/// On an error.
pub fn sure<T, E: LayerError>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("an engine in memory failed: {error}"),
    }
}

/// Balance and nonce of accounts in the state of a block.
pub fn balances<E: Execution>(engine: &E, at: BlockRef, accounts: &[Address]) -> Vec<(U256, u64)> {
    let keys: Vec<ProofKey> = accounts
        .iter()
        .map(|address| ProofKey {
            address: *address,
            slots: Vec::new(),
        })
        .collect();
    let proof = sure(now(engine.prove(&at, &keys)));
    proof
        .accounts
        .iter()
        .map(|found| {
            let account = found.account.unwrap_or_default();
            (account.balance, account.nonce)
        })
        .collect()
}

/// An address that holds nothing at genesis.
pub fn stranger(seed: u64) -> Address {
    Address::from_word(alloy_primitives::keccak256(seed.to_be_bytes()))
}

/// The sequencer's secret key.
pub const SEQUENCER_KEY: B256 = B256::repeat_byte(7);

/// The secret key that a sequencer changes to.
pub const SECOND_KEY: B256 = B256::repeat_byte(8);
