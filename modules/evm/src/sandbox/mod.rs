//! A chain for test suites, without a data-availability layer: it mines when
//! it is told to, goes back to snapshots, and pretends what it is asked to
//! pretend. What it holds is in memory and is posted nowhere.
//!
//! It is a node like any other to servers ([`NodeApi`](rollwright_core::NodeApi)); what only a sandbox
//! can do are the methods of [`Sandbox`].

mod mining;
mod node;
mod pool;
#[cfg(test)]
mod tests;

use crate::{
    engine::{EngineError, EvmEngine},
    machine::Pretended,
    store::{StateEdits, StoreError},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256, map::AddressSet};
use parking_lot::Mutex;
use pool::Pool;
use rollwright_core::{
    Account, BlockId, BlockRef, Clock, ErrorKind, Heads, LayerError, NodeEvent, SubmitError,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{Notify, broadcast};

/// Most blocks that one request mines.
pub const MAX_MINED: u64 = 10_000;
/// Most snapshots; the oldest is forgotten for a further one.
pub const MAX_SNAPSHOTS: usize = 1_000;
/// Gas limits that blocks can have: from Ethereum's least to what its clients
/// count.
const GAS_LIMITS: std::ops::RangeInclusive<u64> = 5_000..=i64::MAX as u64;
/// Events that a slow subscriber may be behind.
const EVENTS: usize = 1_024;

/// Why a sandbox refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A block must be later than its parent.
    #[error("timestamp {wanted} is not above that of the latest block, {latest}")]
    Timestamp {
        /// What was asked for.
        wanted: u64,
        /// The latest block's.
        latest: u64,
    },
    /// Too much at once.
    #[error(
        "{blocks} blocks are more than the {MAX_MINED} that one request mines; ask several times"
    )]
    TooManyBlocks {
        /// What was asked for.
        blocks: u64,
    },
    /// A block cannot have it.
    #[error("gas limit {wanted} lies outside of {} to {}", GAS_LIMITS.start(), GAS_LIMITS.end())]
    GasLimit {
        /// What was asked for.
        wanted: u64,
    },
    /// Nonces only rise.
    #[error("nonce {wanted} is below the account's, {current}")]
    NonceTooLow {
        /// What was asked for.
        wanted: u64,
        /// The account's.
        current: u64,
    },
}

impl LayerError for SandboxError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(error) => error.kind(),
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Engine(error) => error.code(),
            Self::Timestamp { .. } => "RW-EVM-911",
            Self::TooManyBlocks { .. } => "RW-EVM-912",
            Self::NonceTooLow { .. } => "RW-EVM-913",
            Self::GasLimit { .. } => "RW-EVM-914",
        }
    }
}

impl From<StoreError> for SandboxError {
    fn from(error: StoreError) -> Self {
        Self::Engine(error.into())
    }
}

/// The node of a sandbox. A handle: clones share everything.
#[derive(Clone, Debug)]
pub struct Sandbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    engine: EvmEngine,
    clock: Arc<dyn Clock>,
    events: broadcast::Sender<NodeEvent>,
    /// Told when the interval changes.
    interval: Notify,
    state: Mutex<State>,
}

/// All that changes; one change at a time.
#[derive(Clone, Debug)]
struct State {
    pool: Pool,
    automine: bool,
    interval: Option<Duration>,
    /// Seconds that the chain's time is ahead of the clock's.
    ahead: i64,
    next_timestamp: Option<u64>,
    /// Seconds between a block and the one before, whatever the clock says.
    block_interval: Option<u64>,
    /// What the next block says of itself.
    next_block: Pretended,
    coinbase: Address,
    gas_limit: u64,
    impersonated: AddressSet,
    impersonates_all: bool,
    snapshots: Vec<Snapshot>,
    next_snapshot: u64,
}

/// What a snapshot goes back to.
#[derive(Clone, Debug)]
struct Snapshot {
    id: u64,
    head: BlockRef,
    edits: StateEdits,
    pool: Pool,
    ahead: i64,
    next_timestamp: Option<u64>,
    next_block: Pretended,
}

impl Sandbox {
    /// A sandbox on an engine in memory that has its genesis block, and no
    /// other node. It keeps the state of every block: open the engine as an
    /// archive.
    pub fn new(engine: EvmEngine, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        let genesis = engine.genesis_block().header.clone();
        let ahead = ahead_of(&genesis, &*clock);
        Ok(Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                events: broadcast::channel(EVENTS).0,
                interval: Notify::new(),
                state: Mutex::new(State {
                    pool: Pool::default(),
                    automine: true,
                    interval: None,
                    ahead,
                    next_timestamp: None,
                    block_interval: None,
                    next_block: Pretended::default(),
                    coinbase: genesis.beneficiary,
                    gas_limit: genesis.gas_limit,
                    impersonated: AddressSet::default(),
                    impersonates_all: false,
                    snapshots: Vec::new(),
                    next_snapshot: 1,
                }),
            }),
        })
    }

    /// The engine below.
    pub fn engine(&self) -> &EvmEngine {
        &self.inner.engine
    }

    /// Remembers the chain, its edits and what waits; the number to go back
    /// with.
    pub fn snapshot(&self) -> Result<u64, SandboxError> {
        let mut state = self.inner.state.lock();
        let head = self.inner.engine.heads()?.latest;
        let id = state.next_snapshot;
        state.next_snapshot += 1;
        if state.snapshots.len() >= MAX_SNAPSHOTS {
            state.snapshots.remove(0);
        }
        let snapshot = Snapshot {
            id,
            head,
            edits: self.inner.engine.store().edits(head),
            pool: state.pool.clone(),
            ahead: state.ahead,
            next_timestamp: state.next_timestamp,
            next_block: state.next_block,
        };
        state.snapshots.push(snapshot);
        Ok(id)
    }

    /// Goes back to a snapshot, which is used up, as are those taken after it.
    /// False where there is none of that number.
    pub fn revert(&self, id: u64) -> Result<bool, SandboxError> {
        let mut state = self.inner.state.lock();
        let Some(place) = state.snapshots.iter().position(|taken| taken.id == id) else {
            return Ok(false);
        };
        let Some(snapshot) = state.snapshots.drain(place..).next() else {
            return Ok(false);
        };
        self.go_back(snapshot.head)?;
        self.inner.engine.store().edit(snapshot.edits);
        state.pool = snapshot.pool;
        state.ahead = snapshot.ahead;
        state.next_timestamp = snapshot.next_timestamp;
        state.next_block = snapshot.next_block;
        Ok(true)
    }

    /// Goes back to the genesis block, and forgets all that was changed.
    pub fn reset(&self) -> Result<(), SandboxError> {
        let mut state = self.inner.state.lock();
        let genesis = self.inner.engine.genesis_block().block_ref();
        let genesis_header = self.inner.engine.genesis_block().header.clone();
        self.go_back(genesis)?;
        let store = self.inner.engine.store();
        store.edit(StateEdits::new(genesis));
        state.pool = Pool::default();
        state.snapshots.clear();
        state.automine = true;
        state.interval = None;
        state.next_timestamp = None;
        state.block_interval = None;
        state.next_block = Pretended::default();
        state.coinbase = genesis_header.beneficiary;
        state.gas_limit = genesis_header.gas_limit;
        state.ahead = ahead_of(&genesis_header, &*self.inner.clock);
        state.impersonated.clear();
        state.impersonates_all = false;
        self.inner.interval.notify_waiters();
        Ok(())
    }

    /// Removes the blocks above `head` from the chain, with their edits.
    fn go_back(&self, head: BlockRef) -> Result<(), SandboxError> {
        let engine = &self.inner.engine;
        let heads = engine.heads()?;
        if heads.latest == head {
            return Ok(());
        }
        engine.store().edit(StateEdits::new(heads.latest));
        let heads = Heads {
            latest: head,
            ..heads
        };
        let removed = engine.commit(&heads, &[])?;
        for block in &removed {
            engine.store().edit(StateEdits::new(block.block));
        }
        self.emit(NodeEvent::Removed(Arc::new(removed)));
        Ok(())
    }

    /// Replaces an account's balance, in wei.
    pub fn set_balance(&self, address: Address, balance: U256) -> Result<(), SandboxError> {
        self.edit(address, |account, _| {
            account.balance = balance;
            Ok(())
        })
    }

    /// Adds to an account's balance, in wei; at most to all there can be.
    pub fn add_balance(&self, address: Address, more: U256) -> Result<(), SandboxError> {
        self.edit(address, |account, _| {
            account.balance = account.balance.saturating_add(more);
            Ok(())
        })
    }

    /// Replaces an account's nonce; it only rises.
    pub fn set_nonce(&self, address: Address, nonce: u64) -> Result<(), SandboxError> {
        self.edit(address, |account, _| {
            if nonce < account.nonce {
                return Err(SandboxError::NonceTooLow {
                    wanted: nonce,
                    current: account.nonce,
                });
            }
            account.nonce = nonce;
            Ok(())
        })
    }

    /// Replaces an account's code.
    pub fn set_code(&self, address: Address, code: Bytes) -> Result<(), SandboxError> {
        self.edit(address, |account, edits| {
            account.code_hash = edits.add_code(code);
            Ok(())
        })
    }

    /// Replaces a storage slot.
    pub fn set_storage(
        &self,
        address: Address,
        key: B256,
        value: U256,
    ) -> Result<(), SandboxError> {
        let _state = self.inner.state.lock();
        let store = self.inner.engine.store();
        let mut edits = store.edits(self.inner.engine.heads()?.latest);
        edits.set_slot(address, key, value);
        store.edit(edits);
        Ok(())
    }

    fn edit(
        &self,
        address: Address,
        change: impl FnOnce(&mut Account, &mut StateEdits) -> Result<(), SandboxError>,
    ) -> Result<(), SandboxError> {
        let _state = self.inner.state.lock();
        let store = self.inner.engine.store();
        let head = self.inner.engine.heads()?.latest;
        let mut edits = store.edits(head);
        let account = store.state_at(&head)?.account(address)?;
        let mut account = account.unwrap_or(Account {
            code_hash: alloy_trie::KECCAK_EMPTY,
            ..Account::default()
        });
        change(&mut account, &mut edits)?;
        edits.set_account(address, account);
        store.edit(edits);
        Ok(())
    }

    /// Lets anybody send as `address`, until told otherwise.
    pub fn impersonate(&self, address: Address, on: bool) {
        let mut state = self.inner.state.lock();
        match on {
            true => state.impersonated.insert(address),
            false => state.impersonated.remove(&address),
        };
    }

    /// Lets anybody send as anybody.
    pub fn impersonate_all(&self, on: bool) {
        self.inner.state.lock().impersonates_all = on;
    }

    /// True where anybody may send as `address`.
    pub fn impersonates(&self, address: &Address) -> bool {
        let state = self.inner.state.lock();
        state.impersonates_all || state.impersonated.contains(address)
    }

    /// Offers a transaction whose signature stands for nothing: `sender` sent
    /// it. Its hash.
    pub fn submit_as(&self, transaction: Bytes, sender: Address) -> Result<B256, SubmitError> {
        let hash = alloy_primitives::keccak256(&transaction);
        self.inner.engine.senders().impersonate(hash, sender);
        self.take(transaction)
    }

    /// Removes a transaction that waits; false where there is none.
    pub fn drop_transaction(&self, hash: &B256) -> bool {
        self.inner.state.lock().pool.remove(hash)
    }

    /// Moves the chain's time ahead; by how many seconds it is ahead now.
    pub fn increase_time(&self, seconds: i64) -> i64 {
        let mut state = self.inner.state.lock();
        state.ahead = state.ahead.saturating_add(seconds);
        state.ahead
    }

    /// Gives the next block its timestamp, from which time goes on.
    pub fn set_next_timestamp(&self, timestamp: u64) -> Result<(), SandboxError> {
        let mut state = self.inner.state.lock();
        let latest = self.latest_timestamp()?;
        if timestamp <= latest {
            return Err(SandboxError::Timestamp {
                wanted: timestamp,
                latest,
            });
        }
        state.next_timestamp = Some(timestamp);
        Ok(())
    }

    /// Moves the chain's time to that second of Unix time; by how many seconds
    /// it moved ahead, or back where that is negative.
    pub fn set_time(&self, timestamp: u64) -> i64 {
        let mut state = self.inner.state.lock();
        let now = i64::try_from(self.inner.clock.now_ms() / 1000).unwrap_or(i64::MAX);
        let wanted = i64::try_from(timestamp).unwrap_or(i64::MAX);
        let before = state.ahead;
        state.ahead = wanted.saturating_sub(now);
        state.ahead.saturating_sub(before)
    }

    /// Gives each block a timestamp so many seconds after the one before;
    /// `None` lets the clock say it again. False where it was `None` before.
    pub fn set_block_interval(&self, seconds: Option<u64>) -> bool {
        let mut state = self.inner.state.lock();
        std::mem::replace(&mut state.block_interval, seconds).is_some()
    }

    /// Gas limit of blocks from now on; refused where no block can have it.
    pub fn set_gas_limit(&self, gas: u64) -> Result<(), SandboxError> {
        if !GAS_LIMITS.contains(&gas) {
            return Err(SandboxError::GasLimit { wanted: gas });
        }
        self.inner.state.lock().gas_limit = gas;
        Ok(())
    }

    /// Base fee of the next block, in wei; later ones follow from it.
    pub fn set_next_base_fee(&self, wei: u64) {
        self.inner.state.lock().next_block.base_fee = Some(wei);
    }

    /// `prev_randao` of the next block.
    pub fn set_prev_randao(&self, random: B256) {
        self.inner.state.lock().next_block.prev_randao = Some(random);
    }

    /// Removes all that waits.
    pub fn drop_all(&self) {
        self.inner.state.lock().pool = Pool::default();
    }

    /// Receives the priority fees of blocks from now on.
    pub fn set_coinbase(&self, coinbase: Address) {
        self.inner.state.lock().coinbase = coinbase;
    }

    /// Mines as soon as there is something to mine, or not.
    pub fn set_automine(&self, on: bool) {
        self.inner.state.lock().automine = on;
    }

    /// True where it mines as soon as there is something to mine.
    pub fn automine(&self) -> bool {
        self.inner.state.lock().automine
    }

    /// Mines a block every so often; zero stops it.
    pub fn set_interval(&self, interval: Duration) {
        let mut state = self.inner.state.lock();
        state.interval = (!interval.is_zero()).then_some(interval);
        if state.interval.is_some() {
            state.automine = false;
        }
        drop(state);
        self.inner.interval.notify_waiters();
    }

    /// Mines as told by [`set_interval`](Self::set_interval), for as long as it
    /// is polled.
    pub async fn run(&self) {
        loop {
            let changed = self.inner.interval.notified();
            let interval = self.inner.state.lock().interval;
            let Some(interval) = interval else {
                changed.await;
                continue;
            };
            tokio::select! {
                () = changed => {}
                () = self.inner.clock.sleep(interval) => {
                    if let Err(error) = self.mine_blocks(1, 1) {
                        tracing::error!(target: "block", %error, "the sandbox made no block");
                    }
                }
            }
        }
    }

    fn latest_timestamp(&self) -> Result<u64, SandboxError> {
        let head = self.inner.engine.heads()?.latest;
        let header = self.inner.engine.store().header(BlockId::Hash(head.hash))?;
        Ok(header.map_or(0, |header| header.timestamp))
    }

    fn emit(&self, event: NodeEvent) {
        // Nobody listening is fine.
        let _ = self.inner.events.send(event);
    }
}

/// Seconds by which a chain that has begun is ahead of the clock.
fn ahead_of(genesis: &Header, clock: &dyn Clock) -> i64 {
    let now = i64::try_from(clock.now_ms() / 1000).unwrap_or(i64::MAX);
    let began = i64::try_from(genesis.timestamp).unwrap_or(i64::MAX);
    began.saturating_sub(now).max(0)
}
