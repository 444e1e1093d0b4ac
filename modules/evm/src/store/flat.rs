//! The flat state: how accounts and slots are stored, and under which keys.

use super::StoreError;
use alloy_primitives::{B256, U256};
use alloy_trie::{EMPTY_ROOT_HASH, KECCAK_EMPTY, TrieAccount};
use rollwright_core::Account;

/// An account with the root of its storage: a leaf of the account trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FlatAccount {
    pub(super) account: Account,
    pub(super) storage_root: B256,
}

const HAS_CODE: u8 = 1 << 6;
const HAS_STORAGE: u8 = 1 << 7;

impl FlatAccount {
    /// Value in the account trie.
    pub(super) fn leaf(&self) -> Box<[u8]> {
        alloy_rlp::encode(TrieAccount::new(
            self.account.nonce,
            self.account.balance,
            self.storage_root,
            self.account.code_hash,
        ))
        .into_boxed_slice()
    }

    /// `flags and nonce length (1) ‖ balance length (1) ‖ nonce ‖ balance ‖
    /// code hash? ‖ storage root?`; numbers big-endian without leading zeros.
    pub(super) fn encode(&self) -> Vec<u8> {
        let nonce = trimmed(&self.account.nonce.to_be_bytes()).to_vec();
        let balance = self.account.balance.to_be_bytes_trimmed_vec();
        let mut flags = nonce.len() as u8;
        let mut out = Vec::with_capacity(2 + nonce.len() + balance.len() + 64);
        if self.account.code_hash != KECCAK_EMPTY {
            flags |= HAS_CODE;
        }
        if self.storage_root != EMPTY_ROOT_HASH {
            flags |= HAS_STORAGE;
        }
        out.push(flags);
        out.push(balance.len() as u8);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&balance);
        if flags & HAS_CODE != 0 {
            out.extend_from_slice(self.account.code_hash.as_slice());
        }
        if flags & HAS_STORAGE != 0 {
            out.extend_from_slice(self.storage_root.as_slice());
        }
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        Self::read(bytes).ok_or_else(|| StoreError::corrupt("an account cannot be decoded"))
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let flags = *bytes.split_off_first()?;
        let balance_length = *bytes.split_off_first()?;
        let nonce = bytes.split_off(..usize::from(flags & 0x3f))?;
        let nonce = u64::try_from(U256::try_from_be_slice(nonce)?).ok()?;
        let balance = U256::try_from_be_slice(bytes.split_off(..usize::from(balance_length))?)?;
        let mut word = |flag: u8, otherwise: B256| {
            if flags & flag == 0 {
                Some(otherwise)
            } else {
                bytes.split_off(..32).map(B256::from_slice)
            }
        };
        let code_hash = word(HAS_CODE, KECCAK_EMPTY)?;
        let storage_root = word(HAS_STORAGE, EMPTY_ROOT_HASH)?;
        bytes.is_empty().then_some(Self {
            account: Account {
                nonce,
                balance,
                code_hash,
            },
            storage_root,
        })
    }

    /// An account that may be absent: empty bytes where it is.
    pub(super) fn encode_option(account: Option<&Self>) -> Vec<u8> {
        account.map(Self::encode).unwrap_or_default()
    }

    pub(super) fn decode_option(bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        if bytes.is_empty() {
            return Ok(None);
        }
        Self::decode(bytes).map(Some)
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

/// A slot's value: big-endian without leading zeros; empty for zero.
pub(super) fn encode_value(value: U256) -> Vec<u8> {
    value.to_be_bytes_trimmed_vec()
}

pub(super) fn decode_value(bytes: &[u8]) -> Result<U256, StoreError> {
    U256::try_from_be_slice(bytes)
        .ok_or_else(|| StoreError::corrupt("a storage value is longer than 32 bytes"))
}

/// A slot's value in its storage trie.
pub(super) fn value_leaf(value: U256) -> Box<[u8]> {
    alloy_rlp::encode(value).into_boxed_slice()
}

/// `keccak(address) ‖ keccak(slot)`.
pub(super) fn slot_key(account: &B256, slot: &B256) -> [u8; 64] {
    let mut key = [0; 64];
    key[..32].copy_from_slice(account.as_slice());
    key[32..].copy_from_slice(slot.as_slice());
    key
}

/// `key ‖ number`, big-endian, so that a key's blocks ascend.
pub(super) fn at_block(key: &[u8], number: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 8);
    out.extend_from_slice(key);
    out.extend_from_slice(&number.to_be_bytes());
    out
}

/// The hash in the second half of a slot's key.
pub(super) fn slot_of(key: &[u8]) -> Result<B256, StoreError> {
    match key.get(32..64) {
        Some(slot) if key.len() == 64 => Ok(B256::from_slice(slot)),
        _ => Err(StoreError::corrupt("a storage key is not 64 bytes long")),
    }
}

/// A key of 32 bytes.
pub(super) fn word(key: &[u8]) -> Result<B256, StoreError> {
    B256::try_from(key).map_err(|_| StoreError::corrupt("a key is not 32 bytes long"))
}
