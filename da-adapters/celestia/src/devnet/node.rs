//! The network itself: mempool, block production, what is served.

use super::{
    DevnetConfig,
    accounts::{AccountState, Offered, Refused, code, key_of, refused},
    chain::Validators,
    eds::ExtendedSquare,
    faults::{Fault, Faults},
    square::{Square, SquareBuilder},
    store::{Block, Ledger, Store},
    tx::{Account, SignedUnit},
};
use crate::{CelestiaError, GasPrice};
use celestia_types::{Blob, state::AccAddress};
use parking_lot::Mutex;
use rollwright_core::Clock;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};
use tokio::sync::{oneshot, watch};

/// Blocks that stay extended in memory.
const CACHED: usize = 64;

/// Blob transactions that a proposer puts into one block.
const MAX_UNITS: usize = 200;

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

    /// Takes a signed transaction into the mempool, by a consensus node's
    /// rules.
    pub(crate) fn offer(&self, bytes: &[u8]) -> Result<[u8; 32], (Option<[u8; 32]>, Refused)> {
        let limit = self.state.lock().max_tx_bytes;
        if bytes.len() as u64 > limit.saturating_add(limit / 64) {
            let log = format!(
                "tx size {} bytes is larger than the application's configured MaxTxSize of {limit} bytes for version 10: transaction size exceeds maximum allowed limit",
                bytes.len()
            );
            return Err((None, refused(code::EXCEEDS_SIZE, log)));
        }
        let offered = Offered::read(bytes).map_err(|error| (None, error))?;
        let hash = offered.hash;
        self.admit(offered).map_err(|error| (Some(hash), error))?;
        Ok(hash)
    }

    fn admit(&self, offered: Offered) -> Result<(), Refused> {
        let committed = self
            .store
            .tx(offered.hash)
            .map_err(|error| refused(code::DECODE, error.to_string()))?;
        let mut state = self.state.lock();
        let waits = |pending: &Pending| pending.signed.hash == offered.hash;
        if committed.is_some() || state.mempool.iter().any(waits) {
            return Err(refused(code::CACHED, "tx already exists in mempool"));
        }
        let Some(account) = state.accounts.get(&offered.signer).copied() else {
            let log = format!(
                "account {} does not exist: unknown address",
                offered.address
            );
            return Err(refused(code::UNKNOWN_ADDRESS, log));
        };
        if offered.gas_limit < offered.gas {
            let log = format!(
                "not enough gas to pay for blobs (minimum: {}, got: {}): insufficient fee",
                offered.gas, offered.gas_limit
            );
            return Err(refused(code::FEE, log));
        }
        let required =
            u64::try_from(state.min_gas_price.fee(offered.gas_limit)).unwrap_or(u64::MAX);
        if offered.fee < required {
            let log = format!(
                "insufficient minimum gas price for this node; got: {}utia, required: {required}utia (min gas price: {} utia/gas): insufficient fee",
                offered.fee,
                state.min_gas_price.as_f64()
            );
            return Err(refused(code::FEE, log));
        }
        let theirs = || {
            state.mempool.iter().filter(|pending| {
                pending
                    .payer
                    .is_some_and(|(payer, _)| payer == offered.signer)
            })
        };
        let expected = account.sequence + theirs().count() as u64;
        let spent: u64 = theirs().map(|pending| pending.signed.fee).sum();
        let balance = account.balance.saturating_sub(spent);
        if balance < offered.fee {
            let log = format!(
                "spendable balance {balance}utia is smaller than {}utia: insufficient funds",
                offered.fee
            );
            return Err(refused(code::FUNDS, log));
        }
        if offered.sequence != expected {
            let log = format!(
                "account sequence mismatch, expected {expected}, got {}: incorrect account sequence",
                offered.sequence
            );
            return Err(refused(code::SEQUENCE, log));
        }
        if !offered.is_signed(self.validators.chain_id(), account.number) {
            let log = format!(
                "signature verification failed; please verify account number ({}), sequence ({expected}) and chain-id ({}): unauthorized",
                account.number,
                self.validators.chain_id()
            );
            return Err(refused(code::UNAUTHORIZED, log));
        }
        if state.mempool.len() >= self.config.mempool_txs {
            let log = format!("mempool is full: number of txs {}", state.mempool.len());
            return Err(refused(code::FULL, log));
        }
        let mut probe = SquareBuilder::new(self.config.max_width);
        if !probe.push(offered.unit.clone()) {
            return Err(refused(
                code::TOO_LARGE,
                "the blobs do not fit the largest square: blob(s) too large",
            ));
        }
        state.gone.remove(&offered.hash);
        let since = state.ledger.head;
        state.mempool.push_back(Pending {
            payer: Some((offered.signer, offered.sequence)),
            signed: SignedUnit {
                unit: offered.unit,
                hash: offered.hash,
                fee: offered.fee,
            },
            since,
            reply: None,
        });
        self.mempool.send_replace(state.mempool.len());
        Ok(())
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

    /// Takes a submission into the mempool. The receiver is told the height.
    pub(crate) fn submit(
        &self,
        blobs: &[Blob],
        price: Option<GasPrice>,
        max_price: Option<GasPrice>,
        fault: Option<&Fault>,
    ) -> Result<oneshot::Receiver<Answer>, String> {
        if blobs.is_empty() {
            return Err("blob: no blobs to submit".to_owned());
        }
        for blob in blobs {
            if blob.data.is_empty() {
                return Err("blob: zero blob size".to_owned());
            }
            if blob.namespace.is_reserved() {
                return Err("blob: namespace is reserved".to_owned());
            }
            blob.validate().map_err(|error| format!("blob: {error}"))?;
            if blob.signer.is_some_and(|signer| signer != self.address()) {
                return Err("blob: signer is not the one who pays".to_owned());
            }
        }
        let mut state = self.state.lock();
        let bytes: u64 = blobs.iter().map(|blob| blob.data.len() as u64).sum();
        if bytes > state.max_tx_bytes {
            return Err(format!(
                "blob: over size limit: tx too large, max size is {}, but got {bytes}",
                state.max_tx_bytes
            ));
        }
        let price = price.unwrap_or(state.min_gas_price);
        if let Some(max) = max_price
            && price > max
        {
            return Err(format!(
                "estimated gas price exceeds max gas price {}",
                max.as_f64()
            ));
        }
        let (sender, receiver) = oneshot::channel();
        let mut reply = Some(sender);
        let copies = if fault == Some(&Fault::Duplicate) {
            2
        } else {
            1
        };
        for _ in 0..copies {
            if state.mempool.len() >= self.config.mempool_txs {
                return Err(format!(
                    "mempool is full: number of txs {}",
                    state.mempool.len()
                ));
            }
            let sequence = state.next_sequence;
            let signed = self
                .account
                .pay(self.validators.chain_id(), sequence, price, blobs.to_vec())
                .map_err(|error| error.to_string())?;
            let gas = crate::gas_of(blobs.iter().map(|blob| blob.data.len() as u64));
            let required = u64::try_from(state.min_gas_price.fee(gas)).unwrap_or(u64::MAX);
            if signed.fee < required {
                return Err(format!(
                    "insufficient fees; got: {}utia required: {required}utia: insufficient fee",
                    signed.fee
                ));
            }
            let spent: u64 = state.mempool.iter().map(|pending| pending.signed.fee).sum();
            let balance = state.ledger.balance.saturating_sub(spent);
            if balance < signed.fee {
                return Err(format!(
                    "account {}: spendable balance {balance}utia is smaller than {}utia: insufficient funds",
                    self.address(),
                    signed.fee
                ));
            }
            let mut probe = SquareBuilder::new(self.config.max_width);
            if !probe.push(signed.unit.clone()) {
                return Err("blob: over size limit: the block is smaller".to_owned());
            }
            state.next_sequence += 1;
            let since = state.ledger.head;
            state.mempool.push_back(Pending {
                signed,
                payer: None,
                since,
                reply: reply.take(),
            });
        }
        self.mempool.send_replace(state.mempool.len());
        Ok(receiver)
    }

    /// Makes a block of what waits. It is durable before its height is told.
    pub(crate) async fn mine(self: &Arc<Self>) -> Result<u64, CelestiaError> {
        let making = self.making.lock().await;
        let taken = self.take();
        let node = Arc::clone(self);
        let height = tokio::task::spawn_blocking(move || node.seal(taken))
            .await
            .map_err(|error| CelestiaError::Devnet(error.to_string()))??;
        drop(making);
        Ok(height)
    }

    /// Takes from the mempool what the next block holds, and drops what has
    /// waited for too long.
    fn take(&self) -> Vec<Pending> {
        let mut state = self.state.lock();
        let height = state.ledger.head + 1;
        let mut builder = SquareBuilder::new(self.config.max_width);
        let mut taken = Vec::new();
        let mut left = VecDeque::new();
        let withheld = self.faults.is_withheld();
        let mut next: BTreeMap<[u8; 20], u64> = BTreeMap::new();
        for mut pending in std::mem::take(&mut state.mempool) {
            if let Some((payer, sequence)) = pending.payer
                && height <= pending.since + self.config.mempool_ttl
            {
                let committed = state.accounts.get(&payer).map_or(0, |known| known.sequence);
                let expected = next.entry(payer).or_insert(committed);
                if sequence != *expected {
                    // What it followed was evicted.
                    let log = format!(
                        "account sequence mismatch, expected {expected}, got {sequence}: incorrect account sequence"
                    );
                    let place = TxPlace::Rejected(refused(code::SEQUENCE, log));
                    state.remember(pending.signed.hash, place);
                    continue;
                }
                *expected += 1;
            }
            if height > pending.since + self.config.mempool_ttl {
                state.remember(pending.signed.hash, TxPlace::Evicted);
                let hash = alloy_primitives::hex::encode_upper(pending.signed.hash);
                if let Some(reply) = pending.reply.take() {
                    let _ = reply.send(Err(format!(
                        "tx with hash {hash} was evicted from the mempool"
                    )));
                }
            } else if !withheld
                && taken.len() < MAX_UNITS
                && left.is_empty()
                && builder.push(pending.signed.unit.clone())
            {
                taken.push(pending);
            } else {
                // An account's transactions stay in the order of its sequence.
                left.push_back(pending);
            }
        }
        state.mempool = left;
        if state.mempool.is_empty() && taken.is_empty() {
            state.next_sequence = state.ledger.sequence;
        }
        self.mempool.send_replace(state.mempool.len());
        taken
    }

    fn seal(&self, taken: Vec<Pending>) -> Result<u64, CelestiaError> {
        let mut builder = SquareBuilder::new(self.config.max_width);
        for pending in &taken {
            builder.push(pending.signed.unit.clone());
        }
        let square: Square = builder.build();
        let extended = ExtendedSquare::new(&square)
            .ok_or_else(|| CelestiaError::Devnet("the square is too wide".to_owned()))?;
        let (mut ledger, mut accounts, mut failing) = {
            let state = self.state.lock();
            (state.ledger.clone(), BTreeMap::new(), state.failing)
        };
        let parent = match ledger.head {
            0 => None,
            head => Some(self.block(head)?.ok_or_else(|| {
                CelestiaError::Devnet("the newest block is not in the file".to_owned())
            })?),
        };
        ledger.head += 1;
        let mut txs = Vec::new();
        let mut fees = 0u64;
        for pending in &taken {
            let mut outcome = 0;
            match pending.payer {
                None => {
                    ledger.sequence += 1;
                    fees = fees.saturating_add(pending.signed.fee);
                }
                Some((payer, sequence)) => {
                    let state = self.state.lock();
                    let before = state.accounts.get(&payer).copied();
                    let account = accounts
                        .entry(payer)
                        .or_insert(before.unwrap_or(AccountState {
                            number: 0,
                            sequence: 0,
                            balance: 0,
                        }));
                    account.sequence = sequence + 1;
                    account.balance = account.balance.saturating_sub(pending.signed.fee);
                    outcome = failing.take().unwrap_or(0);
                }
            }
            txs.push((pending.signed.hash, outcome));
        }
        ledger.balance = ledger.balance.saturating_sub(fees);
        let header = self.validators.header(
            parent.as_ref().map(|block| &block.header),
            &self.validators,
            self.clock.now_ms(),
            app_hash(&ledger),
            extended.dah().clone(),
        )?;
        self.store
            .append(&ledger, &header, &square, &accounts, &txs)?;
        let height = header.height();
        self.cache(&Arc::new(Block {
            header,
            square: extended,
        }));
        {
            let mut state = self.state.lock();
            // A balance that was set meanwhile stays.
            state.ledger.head = ledger.head;
            state.ledger.sequence = ledger.sequence;
            state.ledger.balance = state.ledger.balance.saturating_sub(fees);
            state.accounts.extend(accounts);
            state.failing = failing;
        }
        self.head.send_replace(height);
        for pending in taken {
            if let Some(reply) = pending.reply {
                let _ = reply.send(Ok(height));
            }
        }
        Ok(height)
    }

    /// A header for `height` that the validators signed as well.
    pub(crate) fn fork(
        &self,
        height: u64,
    ) -> Result<Option<celestia_types::ExtendedHeader>, CelestiaError> {
        if let Some(fork) = &self.state.lock().forks
            && fork.height() == height
        {
            return Ok(Some(fork.clone()));
        }
        let Some(block) = self.block(height)? else {
            return Ok(None);
        };
        let parent = match height {
            1 => None,
            _ => self.block(height - 1)?,
        };
        let fork = self.validators.header(
            parent.as_ref().map(|block| &block.header),
            &self.validators,
            block.time_ms(),
            *b"another state of the application",
            block.header.dah.clone(),
        )?;
        self.state.lock().forks = Some(fork.clone());
        Ok(Some(fork))
    }
}

/// A hash over what the application knows.
fn app_hash(ledger: &Ledger) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"rollwright-da-celestia/app/1");
    hasher.update(ledger.sequence.to_le_bytes());
    hasher.update(ledger.balance.to_le_bytes());
    hasher.finalize().into()
}
