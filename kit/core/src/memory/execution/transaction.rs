use crate::{Address, B256, Bytes, U256, keccak256};
use borsh::{BorshDeserialize, BorshSerialize};

/// A transaction of the in-memory engine, borsh-encoded.
///
/// It carries its sender instead of a signature: whoever writes an address
/// there is believed. Good for tests and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct MemoryTx {
    /// The chain that it is for.
    pub chain_id: u64,
    /// Who pays.
    pub sender: Address,
    /// Number of transactions of the sender before this one.
    pub nonce: u64,
    /// Most gas that it may use.
    pub gas_limit: u64,
    /// Most wei per gas.
    pub max_fee_per_gas: u64,
    /// What it does.
    pub action: MemoryAction,
}

/// What a transaction of the in-memory engine does.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum MemoryAction {
    /// Moves wei. 21,000 gas.
    Transfer {
        /// Who receives it.
        to: Address,
        /// Wei.
        amount: U256,
    },
    /// Writes a slot of the sender's storage; zero deletes. 41,000 gas.
    Put {
        /// The slot.
        key: B256,
        /// Its new value.
        value: U256,
    },
}

impl MemoryTx {
    /// A transfer with just enough gas, on the default chain, at any price.
    pub fn transfer(sender: Address, nonce: u64, to: Address, amount: u64) -> Self {
        let amount = U256::from(amount);
        Self::new(sender, nonce, MemoryAction::Transfer { to, amount })
    }

    /// A write with just enough gas, on the default chain, at any price.
    pub fn put(sender: Address, nonce: u64, key: B256, value: u64) -> Self {
        let value = U256::from(value);
        Self::new(sender, nonce, MemoryAction::Put { key, value })
    }

    fn new(sender: Address, nonce: u64, action: MemoryAction) -> Self {
        Self {
            chain_id: super::MemoryGenesis::default().chain_id,
            sender,
            nonce,
            gas_limit: action.gas(),
            max_fee_per_gas: 1_000_000_000,
            action,
        }
    }

    /// The encoded transaction.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        // Writing into a vector cannot fail.
        let _ = borsh::to_writer(&mut out, self);
        out.into()
    }

    /// keccak256 of the encoding.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// Wei that the transaction moves besides fees.
    pub(super) const fn value(&self) -> U256 {
        match self.action {
            MemoryAction::Transfer { amount, .. } => amount,
            MemoryAction::Put { .. } => U256::ZERO,
        }
    }

    /// The most that the transaction can take from its sender's balance.
    pub(super) fn max_cost(&self) -> U256 {
        let fee = u128::from(self.gas_limit) * u128::from(self.max_fee_per_gas);
        self.value().saturating_add(U256::from(fee))
    }
}

impl MemoryAction {
    /// Gas that the action uses.
    pub const fn gas(&self) -> u64 {
        match self {
            Self::Transfer { .. } => 21_000,
            Self::Put { .. } => 41_000,
        }
    }
}
