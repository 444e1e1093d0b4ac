//! The network itself: its state, and what is served.

mod mempool;
mod produce;

use super::{
    DevnetConfig,
    accounts::{AccountState, Refused, key_of},
    chain::Validators,
    faults::Faults,
    store::{Block, Ledger, Store},
    tx::{Account, SignedUnit},
};
use crate::{CelestiaError, GasPrice};
use celestia_types::state::AccAddress;
use parking_lot::Mutex;
use rollwright_core::Clock;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::{oneshot, watch};

/// Blocks that stay extended in memory.
const CACHED: usize = 64;

/// What a submission is answered with: a height, or an error's text.
pub(crate) type Answer = Result<u64, String>;

/// Transactions that left the mempool without a block and are remembered.
const MAX_GONE: usize = 10_000;

/// How far a transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TxPlace {
    Unknown,
    Pending,
    Evicted,
    Rejected(Refused),
    Committed { height: u64, index: u32, code: u32 },
}

#[derive(Debug)]
struct Pending {
    signed: SignedUnit,
    /// Who pays, with which sequence; `None` for the node's own account.
    payer: Option<([u8; 20], u64)>,
    since: u64,
    reply: Option<oneshot::Sender<Answer>>,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    mempool: VecDeque<Pending>,
    /// The sequence that the next transaction gets.
    next_sequence: u64,
    min_gas_price: GasPrice,
    max_tx_bytes: u64,
    cache: VecDeque<Arc<Block>>,
    /// Accounts beside the node's own.
    accounts: BTreeMap<[u8; 20], AccountState>,
    gone: HashMap<[u8; 32], TxPlace>,
    /// The code with which the next transaction of an account fails.
    failing: Option<u32>,
    forks: Option<celestia_types::ExtendedHeader>,
}

impl State {
    fn remember(&mut self, hash: [u8; 32], place: TxPlace) {
        if self.gone.len() >= MAX_GONE {
            self.gone.clear();
        }
        self.gone.insert(hash, place);
    }
}

/// A running network.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) config: DevnetConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) validators: Validators,
    pub(crate) faults: Faults,
    account: Account,
    store: Store,
    state: Mutex<State>,
    head: watch::Sender<u64>,
    mempool: watch::Sender<usize>,
    making: tokio::sync::Mutex<()>,
}

impl Node {
    /// Opens the network's file, or makes the network with its first block.
    pub(crate) fn open(config: DevnetConfig, clock: Arc<dyn Clock>) -> Result<Self, CelestiaError> {
        let validators = Validators::new(&config.chain_id, config.seed, config.validators)?;
        let account = Account::new(config.seed, 0)?;
        let store = Store::open(config.path.as_deref())?;
        let fresh = Ledger::new(
            &config.chain_id,
            config.seed,
            config.validators,
            config.balance_utia,
        );
        let ledger = store.ledger()?.unwrap_or(fresh.clone());
        if (&ledger.chain_id, ledger.seed, ledger.validators)
            != (&fresh.chain_id, fresh.seed, fresh.validators)
        {
            return Err(CelestiaError::Devnet(format!(
                "the file holds network {} with seed {} and {} validators: give those, or another file",
                ledger.chain_id, ledger.seed, ledger.validators
            )));
        }
        let node = Self {
            state: Mutex::new(State {
                next_sequence: ledger.sequence,
                ledger,
                mempool: VecDeque::new(),
                min_gas_price: config.min_gas_price,
                max_tx_bytes: config.max_tx_bytes,
                cache: VecDeque::new(),
                accounts: store.accounts()?,
                gone: HashMap::new(),
                failing: None,
                forks: None,
            }),
            config,
            clock,
            validators,
            faults: Faults::default(),
            account,
            store,
            head: watch::Sender::new(0),
            mempool: watch::Sender::new(0),
            making: tokio::sync::Mutex::new(()),
        };
        let head = node.state.lock().ledger.head;
        if head == 0 {
            node.seal(Vec::new())?;
        } else {
            node.head.send_replace(head);
        }
        Ok(node)
    }

    pub(crate) fn address(&self) -> AccAddress {
        self.account.address()
    }

    pub(crate) fn heads(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Transactions that wait.
    pub(crate) fn mempool(&self) -> watch::Receiver<usize> {
        self.mempool.subscribe()
    }

    pub(crate) fn head(&self) -> u64 {
        self.state.lock().ledger.head
    }

    pub(crate) fn tail(&self) -> u64 {
        self.state.lock().ledger.tail
    }

    pub(crate) fn balance(&self) -> u64 {
        self.state.lock().ledger.balance
    }

    pub(crate) fn set_balance(&self, utia: u64) -> Result<(), CelestiaError> {
        let mut state = self.state.lock();
        state.ledger.balance = utia;
        self.store.set_ledger(&state.ledger, &state.accounts)
    }

    /// Gives an account a balance; it exists from then on.
    pub(crate) fn fund(&self, address: &AccAddress, utia: u64) -> Result<(), CelestiaError> {
        let key = key_of(address)
            .ok_or_else(|| CelestiaError::Devnet("an address has 20 bytes".to_owned()))?;
        let mut state = self.state.lock();
        if *address == self.address() {
            state.ledger.balance = utia;
        } else {
            // Number 0 is the node's own.
            let number = state.accounts.len() as u64 + 1;
            state
                .accounts
                .entry(key)
                .or_insert(AccountState {
                    number,
                    sequence: 0,
                    balance: 0,
                })
                .balance = utia;
        }
        self.store.set_ledger(&state.ledger, &state.accounts)
    }

    /// An account as of the newest block.
    pub(crate) fn account(&self, address: &AccAddress) -> Option<AccountState> {
        let state = self.state.lock();
        if *address == self.address() {
            return Some(AccountState {
                number: 0,
                sequence: state.ledger.sequence,
                balance: state.ledger.balance,
            });
        }
        state.accounts.get(&key_of(address)?).copied()
    }

    /// The next transaction of an account beside the node's own fails in its
    /// block with this code.
    pub(crate) fn fail_next(&self, code: u32) {
        self.state.lock().failing = Some(code);
    }

    pub(crate) fn min_gas_price(&self) -> GasPrice {
        self.state.lock().min_gas_price
    }

    /// Drops everything that waits, as a node whose mempool is lost; nothing
    /// remembers it.
    pub(crate) fn forget_mempool(&self) {
        let mut state = self.state.lock();
        state.mempool.clear();
        state.next_sequence = state.ledger.sequence;
        self.mempool.send_replace(0);
    }

    /// How far a transaction is.
    pub(crate) fn tx(&self, hash: [u8; 32]) -> Result<TxPlace, CelestiaError> {
        if let Some((height, index, code)) = self.store.tx(hash)? {
            return Ok(TxPlace::Committed {
                height,
                index,
                code,
            });
        }
        let state = self.state.lock();
        if state
            .mempool
            .iter()
            .any(|pending| pending.signed.hash == hash)
        {
            return Ok(TxPlace::Pending);
        }
        Ok(state.gone.get(&hash).cloned().unwrap_or(TxPlace::Unknown))
    }

    pub(crate) fn set_min_gas_price(&self, price: GasPrice) {
        self.state.lock().min_gas_price = price;
    }

    pub(crate) fn set_max_tx_bytes(&self, bytes: u64) {
        self.state.lock().max_tx_bytes = bytes;
    }

    /// Releases the file; whoever still asks hears that the network has
    /// stopped.
    pub(crate) fn close(&self) {
        self.store.close();
    }

    /// Forgets everything below a height, as a node whose tail moves up.
    pub(crate) fn prune(&self, below: u64) -> Result<(), CelestiaError> {
        let mut state = self.state.lock();
        state.ledger.tail = below.clamp(state.ledger.tail, state.ledger.head.max(1));
        let tail = state.ledger.tail;
        state.cache.retain(|block| block.header.height() >= tail);
        self.store.prune(&state.ledger)
    }

    /// A block from memory or file; `None` where it is not there.
    pub(crate) fn block(&self, height: u64) -> Result<Option<Arc<Block>>, CelestiaError> {
        let cached = |state: &State| {
            state
                .cache
                .iter()
                .find(|block| block.header.height() == height)
                .cloned()
        };
        if let Some(block) = cached(&self.state.lock()) {
            return Ok(Some(block));
        }
        if height < self.tail() || height > self.head() {
            return Ok(None);
        }
        let Some(block) = self.store.block(height)? else {
            return Ok(None);
        };
        let block = Arc::new(block);
        self.cache(&block);
        Ok(Some(block))
    }

    fn cache(&self, block: &Arc<Block>) {
        let mut state = self.state.lock();
        if state.cache.len() >= CACHED {
            state.cache.pop_front();
        }
        state.cache.push_back(Arc::clone(block));
    }
}
