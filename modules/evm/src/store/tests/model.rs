//! A state in plain maps, random changes to it, and a chain of such blocks.

use crate::store::{
    NewBlock, Prepared, Store, StoreOptions, StoredBlock,
    kv::{KeyValue, MemoryKv},
};
use alloy_consensus::{Receipt, ReceiptEnvelope, ReceiptWithBloom};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, Log, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, Nibbles, TrieAccount};
use rollwright_core::{
    Account, AccountChange, BlockEffects, BlockRecord, BlockRef, Changes, Header, Heads,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock},
};

/// Deterministic numbers from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

/// The first of these lie close together in the trie, so that it is deep with
/// few of them.
pub(super) fn address(n: u64) -> Address {
    static CLOSE: LazyLock<Vec<u64>> = LazyLock::new(|| {
        let one = |n: u64| keccak256(raw(n));
        let mut close = comb(0, 4, one);
        close.extend(comb(1_000_000, 3, one));
        close
    });
    raw(CLOSE.get(n as usize).copied().unwrap_or(n))
}

fn raw(n: u64) -> Address {
    Address::from_word(keccak256(n.to_be_bytes()))
}

/// As [`address`].
pub(super) fn slot(n: u64) -> B256 {
    static CLOSE: LazyLock<Vec<u64>> =
        LazyLock::new(|| comb(0, 4, |n| keccak256(B256::from(U256::from(n)))));
    B256::from(U256::from(CLOSE.get(n as usize).copied().unwrap_or(n)))
}

/// A number, and then others whose hashes begin as its own does: the longest
/// with `depth` equal nibbles, the next with one fewer.
fn comb(first: u64, depth: usize, hash: impl Fn(u64) -> B256) -> Vec<u64> {
    let nibbles = |n| Nibbles::unpack_array(&hash(n).0);
    let base = nibbles(first);
    let mut found = vec![first];
    for depth in (1..=depth).rev() {
        let close = |n: &u64| nibbles(*n).common_prefix_length(&base) == depth;
        found.extend((first + 1..).find(close));
    }
    found
}

pub(super) const ADDRESSES: u64 = 14;
pub(super) const SLOTS: u64 = 7;

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Holder {
    pub(super) account: Account,
    pub(super) storage: BTreeMap<B256, U256>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) accounts: BTreeMap<Address, Holder>,
    pub(super) codes: BTreeMap<B256, Bytes>,
}

impl State {
    pub(super) fn root(&self) -> B256 {
        alloy_trie::root::state_root_unhashed(self.accounts.iter().map(|(address, holder)| {
            let account = TrieAccount::new(
                holder.account.nonce,
                holder.account.balance,
                self.storage_root(address),
                holder.account.code_hash,
            );
            (*address, account)
        }))
    }

    pub(super) fn storage_root(&self, address: &Address) -> B256 {
        let Some(holder) = self.accounts.get(address) else {
            return EMPTY_ROOT_HASH;
        };
        let slots = holder.storage.iter().map(|(key, value)| (*key, *value));
        alloy_trie::root::storage_root_unhashed(slots)
    }

    /// Random changes, applied to `self` as well.
    pub(super) fn change(&mut self, dice: &mut Dice) -> Changes {
        let mut changes = BTreeMap::new();
        let mut codes = BTreeMap::new();
        for _ in 0..dice.roll(7) {
            let address = address(dice.roll(ADDRESSES));
            if changes.contains_key(&address) {
                continue;
            }
            changes.insert(address, self.change_account(address, dice, &mut codes));
        }
        self.codes.extend(codes.clone());
        Changes {
            accounts: changes.into_iter().collect(),
            codes: codes.into_iter().collect(),
        }
    }

    fn change_account(
        &mut self,
        address: Address,
        dice: &mut Dice,
        codes: &mut BTreeMap<B256, Bytes>,
    ) -> AccountChange {
        let what = dice.roll(10);
        if what == 0 {
            self.accounts.remove(&address);
            return AccountChange {
                account: None,
                storage_cleared: true,
                storage: Vec::new(),
            };
        }
        let holder = self.accounts.entry(address).or_default();
        if holder.account.code_hash.is_zero() {
            holder.account.code_hash = KECCAK_EMPTY;
        }
        holder.account.nonce += 1;
        holder.account.balance = U256::from(dice.roll(1 << 40));
        if what == 1 {
            let code = Bytes::from(dice.roll(u64::MAX).to_be_bytes().to_vec());
            holder.account.code_hash = keccak256(&code);
            codes.insert(holder.account.code_hash, code);
        }
        let cleared = what == 2;
        if cleared {
            holder.storage.clear();
        }
        let mut storage = BTreeMap::new();
        if what > 1 {
            for _ in 0..dice.roll(5) {
                let key = slot(dice.roll(SLOTS));
                let value = U256::from(dice.roll(3).saturating_mul(dice.roll(1 << 30)));
                storage.insert(key, value);
                if value.is_zero() {
                    holder.storage.remove(&key);
                } else {
                    holder.storage.insert(key, value);
                }
            }
        }
        AccountChange {
            account: Some(holder.account),
            storage_cleared: cleared,
            storage: storage.into_iter().collect(),
        }
    }
}

/// A store with the states that it must show.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) kv: Arc<dyn KeyValue>,
    pub(super) options: StoreOptions,
    pub(super) store: Store,
    pub(super) genesis: BlockRef,
    pub(super) states: HashMap<B256, State>,
}

/// Everything is dropped from memory as soon as it is stored.
pub(super) fn tiny() -> StoreOptions {
    StoreOptions {
        trie_bytes: 0,
        cache_bytes: 64 << 10,
        block_bytes: 2 << 10,
        ..StoreOptions::default()
    }
}

impl Chain {
    pub(super) fn new(options: StoreOptions) -> Self {
        Self::on(Arc::new(MemoryKv::new()), options)
    }

    pub(super) fn on(kv: Arc<dyn KeyValue>, options: StoreOptions) -> Self {
        let store = Store::open(Arc::clone(&kv), options).unwrap();
        let mut state = State::default();
        let mut changes = state.change(&mut Dice::new(7));
        for _ in 0..8 {
            // Later changes of an account replace earlier ones.
            changes = merge(&state, changes);
            state.change(&mut Dice::new(state.accounts.len() as u64));
            changes = merge(&state, changes);
        }
        let prepared = store.prepare_genesis(changes).unwrap();
        let (block, _) = block(BlockRef::default(), 0, &prepared, &[]);
        assert_eq!(prepared.state_root(), state.root());
        let genesis = store.init(block, prepared).unwrap();
        Self {
            kv,
            options,
            store,
            genesis,
            states: HashMap::from([(genesis.hash, state)]),
        }
    }

    /// Opens the store again, as a new process would.
    pub(super) fn reopen(&mut self) {
        self.store = Store::open(Arc::clone(&self.kv), self.options).unwrap();
    }

    /// Executes a block of random changes on `parent`.
    pub(super) fn execute(&mut self, parent: BlockRef, seed: u64) -> BlockRef {
        self.execute_with(parent, seed, &[])
    }

    pub(super) fn execute_with(
        &mut self,
        parent: BlockRef,
        seed: u64,
        logs: &[Vec<Log>],
    ) -> BlockRef {
        let mut state = self.states[&parent.hash].clone();
        let changes = state.change(&mut Dice::new(seed));
        let prepared = self.store.prepare(&parent, changes).unwrap();
        assert_eq!(
            prepared.state_root(),
            state.root(),
            "root after block on {parent:?}"
        );
        let (block, at) = block(parent, seed, &prepared, logs);
        self.store.insert(block, prepared).unwrap();
        self.states.insert(at.hash, state);
        at
    }

    /// Executes `count` blocks on `parent` and makes the last one the head.
    pub(super) fn extend(&mut self, parent: BlockRef, count: u64, seed: u64) -> Vec<BlockRef> {
        let mut at = parent;
        let mut blocks = Vec::new();
        for n in 0..count {
            at = self.execute(at, seed * 1_000 + n);
            self.head(at);
            blocks.push(at);
        }
        blocks
    }

    /// Sets the latest head; safe and finalized stay.
    pub(super) fn head(&self, latest: BlockRef) -> Vec<Arc<StoredBlock>> {
        let heads = self.store.heads().unwrap();
        let safe = heads.finalized;
        self.store
            .set_heads(
                &Heads {
                    latest,
                    safe,
                    ..heads
                },
                &[],
            )
            .unwrap()
    }

    /// Every key of the state after `at` is what the model says.
    pub(super) fn assert_state(&self, at: BlockRef) {
        let view = self.store.state_at(&at).unwrap();
        let state = &self.states[&at.hash];
        for n in 0..ADDRESSES {
            let address = address(n);
            let holder = state.accounts.get(&address);
            assert_eq!(view.account(address).unwrap(), holder.map(|h| h.account));
            assert_eq!(
                view.storage_root(address).unwrap(),
                state.storage_root(&address)
            );
            for n in 0..SLOTS {
                let expected = holder.and_then(|h| h.storage.get(&slot(n)).copied());
                let value = view.slot(address, slot(n)).unwrap();
                assert_eq!(
                    value,
                    expected.unwrap_or_default(),
                    "{address} {n} at {at:?}"
                );
            }
            if let Some(holder) = holder
                && holder.account.code_hash != KECCAK_EMPTY
            {
                let code = view.code(holder.account.code_hash).unwrap();
                assert_eq!(keccak256(&code), holder.account.code_hash);
            }
        }
    }
}

/// All of `state` as changes on nothing, with the codes of `changes` kept.
fn merge(state: &State, changes: Changes) -> Changes {
    let accounts = state.accounts.iter().map(|(address, holder)| {
        let change = AccountChange {
            account: Some(holder.account),
            storage_cleared: false,
            storage: holder.storage.iter().map(|(k, v)| (*k, *v)).collect(),
        };
        (*address, change)
    });
    let mut codes = state.codes.clone();
    codes.extend(changes.codes);
    Changes {
        accounts: accounts.collect(),
        codes: codes.into_iter().collect(),
    }
}

/// A block with one transaction per list of logs.
pub(super) fn block(
    parent: BlockRef,
    seed: u64,
    prepared: &Prepared,
    logs: &[Vec<Log>],
) -> (NewBlock, BlockRef) {
    let number = if parent == BlockRef::default() {
        0
    } else {
        parent.number + 1
    };
    let transactions: Vec<Bytes> = (0..logs.len() as u64)
        .map(|n| Bytes::from([seed.to_be_bytes(), n.to_be_bytes()].concat()))
        .collect();
    let receipts: Vec<ReceiptEnvelope> = logs
        .iter()
        .map(|logs| {
            let receipt = Receipt {
                status: true.into(),
                cumulative_gas_used: 21_000,
                logs: logs.clone(),
            };
            ReceiptEnvelope::Eip1559(ReceiptWithBloom::from(receipt))
        })
        .collect();
    let mut bloom = Bloom::ZERO;
    for receipt in &receipts {
        bloom |= *receipt.logs_bloom();
    }
    let header = Header {
        number,
        parent_hash: parent.hash,
        state_root: prepared.state_root(),
        timestamp: number,
        difficulty: U256::from(seed),
        logs_bloom: bloom,
        transactions_root: alloy_consensus::proofs::ordered_trie_root_with_encoder(
            &transactions,
            |tx, out| out.extend_from_slice(tx),
        ),
        receipts_root: alloy_consensus::proofs::calculate_receipt_root(&receipts),
        ..Header::default()
    };
    let at = BlockRef {
        number,
        hash: header.hash_slow(),
    };
    let record = BlockRecord {
        block: at,
        parent,
        timestamp: header.timestamp,
        fee_recipient: Address::ZERO,
        state_root: header.state_root,
        gas_used: 0,
        anchor: None,
        forced_included: Vec::new(),
        forced: Vec::new(),
        transactions: transactions.clone(),
        input_hash: keccak256(at.hash),
    };
    let new = NewBlock {
        header,
        record,
        transaction_hashes: transactions.iter().map(keccak256).collect(),
        senders: transactions.iter().map(|_| Address::ZERO).collect(),
        effects: BlockEffects {
            receipts: receipts.iter().map(|r| r.encoded_2718().into()).collect(),
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    };
    (new, at)
}
