//! A state of any size, blocks on it, and where they come from: the same
//! numbers, the same state.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_trie::{EMPTY_ROOT_HASH, HashBuilder, KECCAK_EMPTY, Nibbles, TrieAccount};
use rollwright_core::{
    Account, AccountChange, BlockEffects, BlockRecord, BlockRef, Changes, Header,
};
use rollwright_evm::store::{NewAccount, NewBlock, Store, StoreError};

/// One account in so many is a contract with as many slots.
pub(crate) const SLOTS: u64 = 1_000;
/// Accounts that a block changes, and slots.
pub(crate) const TOUCHED: u64 = 2_000;

/// Fills an empty store with `count` accounts and about as many slots.
pub(crate) fn load(store: &Store, order: Vec<(B256, u32)>, root: B256) -> Result<(), StoreError> {
    let (block, _) = block(BlockRef::default(), 0, root);
    let mut accounts = order.into_iter().map(|(hashed, n)| NewAccount {
        hashed,
        account: account(n.into()),
        slots: slots(n.into()),
    });
    store.load(block, &mut accounts, &mut std::iter::empty())?;
    Ok(())
}

/// `count` accounts by hashed address.
pub(crate) fn accounts(count: u64) -> Vec<(B256, u32)> {
    let mut order: Vec<(B256, u32)> = (0..count)
        .map(|n| (keccak256(address(n)), n as u32))
        .collect();
    order.sort_unstable();
    order
}

/// The state root, by alloy's hash builder.
pub(crate) fn root(order: &[(B256, u32)]) -> B256 {
    let mut builder = HashBuilder::default();
    for (hashed, n) in order {
        let n = u64::from(*n);
        let mut storage = HashBuilder::default();
        for (key, value) in slots(n) {
            storage.add_leaf(Nibbles::unpack_array(&key.0), &alloy_rlp::encode(value));
        }
        let account = account(n);
        let root = if is_contract(n) {
            storage.root()
        } else {
            EMPTY_ROOT_HASH
        };
        let leaf = TrieAccount::new(account.nonce, account.balance, root, account.code_hash);
        builder.add_leaf(Nibbles::unpack_array(&hashed.0), &alloy_rlp::encode(leaf));
    }
    builder.root()
}

pub(crate) fn address(n: u64) -> Address {
    let mut bytes = [0u8; 20];
    bytes[4..12].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[12..].copy_from_slice(&n.to_be_bytes());
    bytes.into()
}

pub(crate) fn is_contract(n: u64) -> bool {
    n.is_multiple_of(SLOTS)
}

pub(crate) fn slot(n: u64) -> B256 {
    U256::from(n).into()
}

pub(crate) fn account(n: u64) -> Account {
    Account {
        nonce: n % 50,
        balance: U256::from(n) * U256::from(1_000_000_007_u64),
        code_hash: KECCAK_EMPTY,
    }
}

pub(crate) fn slots(n: u64) -> Vec<(B256, U256)> {
    if !is_contract(n) {
        return Vec::new();
    }
    let mut slots: Vec<_> = (0..SLOTS)
        .map(|at| (keccak256(slot(at)), U256::from(n + at + 1)))
        .collect();
    slots.sort_unstable();
    slots
}

/// 2,000 accounts and 2,000 slots at random. Reads all of them, as the
/// execution of a block has done when its root is computed: gas depends on the
/// value that a slot has before.
pub(crate) fn changes(
    store: &Store,
    dice: &mut Dice,
    count: u64,
    at: BlockRef,
) -> Result<Changes, StoreError> {
    let view = store.state_at(&at)?;
    let mut changed = std::collections::BTreeMap::new();
    for _ in 0..TOUCHED {
        let address = address(dice.roll(count));
        let mut account = view.account(address)?.unwrap_or_default();
        account.nonce += 1;
        changed.insert(address, change(account));
    }
    for _ in 0..TOUCHED {
        let address = address(dice.roll(count.div_ceil(SLOTS)) * SLOTS);
        let value = U256::from(dice.roll(u64::MAX) + 1);
        let account = view.account(address)?.unwrap_or_default();
        let entry = changed.entry(address).or_insert_with(|| change(account));
        let key = slot(dice.roll(SLOTS));
        view.slot(address, key)?;
        entry.storage.push((key, value));
    }
    for change in changed.values_mut() {
        change.storage.sort_unstable();
        change.storage.dedup_by_key(|(key, _)| *key);
    }
    Ok(Changes {
        accounts: changed.into_iter().collect(),
        codes: Vec::new(),
    })
}

fn change(account: Account) -> AccountChange {
    AccountChange {
        account: Some(account),
        storage_cleared: false,
        storage: Vec::new(),
    }
}

/// A block whose state has this root, and its name.
pub(crate) fn block(parent: BlockRef, seed: u64, state_root: B256) -> (NewBlock, BlockRef) {
    let number = if parent == BlockRef::default() {
        0
    } else {
        parent.number + 1
    };
    let header = Header {
        number,
        parent_hash: parent.hash,
        state_root,
        timestamp: number,
        difficulty: U256::from(seed),
        transactions_root: EMPTY_ROOT_HASH,
        receipts_root: EMPTY_ROOT_HASH,
        ..Header::default()
    };
    let at = BlockRef {
        number,
        hash: header.hash_slow(),
    };
    let record = BlockRecord {
        block: at,
        parent,
        timestamp: number,
        fee_recipient: Address::ZERO,
        state_root,
        gas_used: 0,
        anchor: None,
        forced_included: Vec::new(),
        forced: Vec::new(),
        transactions: Vec::new(),
        input_hash: keccak256(at.hash),
    };
    let new = NewBlock {
        header,
        record,
        transaction_hashes: Vec::new(),
        senders: Vec::new(),
        effects: BlockEffects {
            receipts: Vec::new(),
            outbox_root: EMPTY_ROOT_HASH,
            mailbox_events: Vec::new(),
        },
    };
    (new, at)
}

/// xorshift64*, from a seed that is not zero.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 1) % sides
    }
}
