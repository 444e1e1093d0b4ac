use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256, map::B256Map};
use alloy_trie::{EMPTY_ROOT_HASH, Nibbles, TrieAccount, proof::verify_proof};
use borsh::{BorshDeserialize, BorshSerialize};

/// Name and rule version of a state machine. Stands in every claim, so two
/// machines that can disagree on any input have different ids.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, BorshSerialize, BorshDeserialize,
)]
pub struct VmId(pub B256);

impl VmId {
    /// keccak256 of `name ‖ 0x00 ‖ version (u32 LE)`.
    pub fn new(name: &str, version: u32) -> Self {
        let mut input = name.as_bytes().to_vec();
        input.push(0);
        input.extend_from_slice(&version.to_le_bytes());
        Self(keccak256(input))
    }
}

/// An account as the state trie holds it, without its storage root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Account {
    /// Number of transactions sent, or contracts created.
    pub nonce: u64,
    /// Wei.
    pub balance: U256,
    /// keccak256 of the code; `KECCAK_EMPTY` without code.
    pub code_hash: B256,
}

/// All that one block changed. Maps are ordered where order can be observed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Ascending by address, each address once.
    pub accounts: Vec<(Address, AccountChange)>,
    /// New code by its keccak256, ascending.
    pub codes: Vec<(B256, Bytes)>,
}

/// What a block did to one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// The account after the block; `None` if it does not exist any more.
    pub account: Option<Account>,
    /// True where the storage that existed before the block is gone.
    pub storage_cleared: bool,
    /// Slots after the block, ascending by key, each once; zero deletes.
    pub storage: Vec<(B256, U256)>,
}

/// What to prove against a state root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct ProofKey {
    /// The account.
    pub address: Address,
    /// Slots of that account.
    pub slots: Vec<B256>,
}

/// Merkle-Patricia proofs in the form of EIP-1186.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct StateProof {
    /// The root that the proofs lead to.
    pub state_root: B256,
    /// One per key, in the order of the request.
    pub accounts: Vec<AccountProof>,
}

/// Proof of one account and some of its slots; absence is proved by the same
/// shape with `account: None` or a zero value.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct AccountProof {
    /// The account's address.
    pub address: Address,
    /// The account; `None` if it does not exist.
    pub account: Option<Account>,
    /// Root of its storage trie; the empty root where it does not exist.
    pub storage_root: B256,
    /// RLP nodes from the state root down.
    pub proof: Vec<Bytes>,
    /// One per requested slot.
    pub slots: Vec<SlotProof>,
}

/// Proof of one storage slot.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SlotProof {
    /// The slot's key.
    pub key: B256,
    /// Its value; zero where it is absent.
    pub value: U256,
    /// RLP nodes from the storage root down.
    pub proof: Vec<Bytes>,
}

/// Why a state proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateProofError {
    /// It leads to another root.
    #[error("the proof is for state root {found}, not {wanted}")]
    Root {
        /// Root that the proof names.
        found: B256,
        /// Root that is trusted.
        wanted: B256,
    },
    /// The account's nodes do not show what is claimed.
    #[error("the proof of account {address} does not hold: {reason}")]
    Account {
        /// The account.
        address: Address,
        /// Why.
        reason: String,
    },
    /// A slot's nodes do not show what is claimed.
    #[error("the proof of slot {key} of account {address} does not hold: {reason}")]
    Slot {
        /// The account.
        address: Address,
        /// The slot.
        key: B256,
        /// Why.
        reason: String,
    },
}

impl StateProof {
    /// Checks every account and slot against a trusted state root, presence
    /// and absence alike. Pure, and total on hostile input.
    pub fn verify(&self, state_root: B256) -> Result<(), StateProofError> {
        if self.state_root != state_root {
            return Err(StateProofError::Root {
                found: self.state_root,
                wanted: state_root,
            });
        }
        self.accounts
            .iter()
            .try_for_each(|account| account.verify(state_root))
    }
}

impl AccountProof {
    fn verify(&self, state_root: B256) -> Result<(), StateProofError> {
        let expected = self.account.map(|account| {
            alloy_rlp::encode(TrieAccount::new(
                account.nonce,
                account.balance,
                self.storage_root,
                account.code_hash,
            ))
        });
        let failed = |reason: String| StateProofError::Account {
            address: self.address,
            reason,
        };
        verify_proof(
            state_root,
            Nibbles::unpack(keccak256(self.address)),
            expected,
            &self.proof,
        )
        .map_err(|error| failed(error.to_string()))?;
        if self.account.is_none() && self.storage_root != EMPTY_ROOT_HASH {
            return Err(failed("an absent account has no storage".into()));
        }
        for slot in &self.slots {
            let expected = (!slot.value.is_zero()).then(|| alloy_rlp::encode(slot.value));
            verify_proof(
                self.storage_root,
                Nibbles::unpack(keccak256(slot.key)),
                expected,
                &slot.proof,
            )
            .map_err(|error| StateProofError::Slot {
                address: self.address,
                key: slot.key,
                reason: error.to_string(),
            })?;
        }
        Ok(())
    }
}

/// All that a stateless execution of one block needs, in the shape of
/// `debug_executionWitness`.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ExecutionWitness {
    /// RLP trie nodes, state and storage, in any order.
    pub state: Vec<Bytes>,
    /// Contract codes.
    pub codes: Vec<Bytes>,
    /// RLP headers; the parent always.
    pub headers: Vec<Bytes>,
    /// Preimages of hashed keys; accepted and ignored.
    pub keys: Vec<Bytes>,
}

impl ExecutionWitness {
    /// Nodes and codes by their keccak256.
    pub fn index(&self) -> B256Map<&Bytes> {
        self.state
            .iter()
            .chain(&self.codes)
            .map(|bytes| (keccak256(bytes), bytes))
            .collect()
    }
}

/// A log with its emitter, as engines hand them to settlement and messaging.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EngineLog {
    /// Emitter.
    pub address: Address,
    /// Up to four topics.
    pub topics: Vec<B256>,
    /// Unindexed data.
    pub data: Bytes,
}
