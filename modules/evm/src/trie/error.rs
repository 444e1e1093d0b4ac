use alloy_primitives::B256;
use std::error::Error;

/// Why a trie could not be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrieError {
    /// A node that must exist is not stored.
    #[error(
        "trie node at path {path} of {trie} is missing; the store is damaged: import a snapshot, or derive the chain again from DA into a fresh data directory",
        trie = name(owner)
    )]
    Missing {
        /// keccak256 of the account's address; `None` in the account trie.
        owner: Option<B256>,
        /// Nibbles from the root, in hexadecimal.
        path: String,
    },
    /// A stored node is not what its parent says.
    #[error(
        "trie node at path {path} of {trie} is damaged: {reason}; the store is damaged: import a snapshot, or derive the chain again from DA into a fresh data directory",
        trie = name(owner)
    )]
    Damaged {
        /// keccak256 of the account's address; `None` in the account trie.
        owner: Option<B256>,
        /// Nibbles from the root, in hexadecimal.
        path: String,
        /// What does not fit.
        reason: &'static str,
    },
    /// The source of nodes failed.
    #[error("trie nodes cannot be read: {0}")]
    Source(#[source] Box<dyn Error + Send + Sync>),
}

fn name(owner: &Option<B256>) -> String {
    match owner {
        None => "the account trie".into(),
        Some(owner) => format!("the storage trie of account {owner}"),
    }
}
