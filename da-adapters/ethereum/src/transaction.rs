//! Transactions to an inbox: built, signed, and in their network form.

#[cfg(test)]
mod tests;

use crate::{Error, Transaction, fees::Caps, namespace::CALLDATA_PART};
use alloy_consensus::{SignableTransaction, Signed, TxEip1559, TxEip4844};
use alloy_eips::{eip2718::Encodable2718 as _, eip7594::BlobTransactionSidecarVariant};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use k256::ecdsa::SigningKey;
use std::fmt;

/// A posting account. Used for one stream of postings of one rollup and for
/// nothing else: pools do not mix an account's blob and plain transactions.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    address: Address,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// The account of a secret key.
    pub fn new(secret: B256) -> Result<Self, Error> {
        let key = SigningKey::from_slice(secret.as_slice()).map_err(|_| Error::Config {
            key: "signer",
            reason: "it is not a secret key of secp256k1".into(),
        })?;
        let address = Address::from_public_key(key.verifying_key());
        Ok(Self { key, address })
    }

    /// The account.
    pub const fn address(&self) -> Address {
        self.address
    }

    fn sign<T: SignableTransaction<Signature>>(&self, transaction: T) -> Result<Signed<T>, Error> {
        let hash = transaction.signature_hash();
        let (signature, recovery) =
            self.key
                .sign_prehash_recoverable(hash.as_slice())
                .map_err(|_| Error::Config {
                    key: "signer",
                    reason: "the key cannot sign".into(),
                })?;
        Ok(transaction.into_signed(Signature::from((signature, recovery))))
    }
}

/// What a transaction carries to the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cargo {
    /// Blobs, by their versioned hashes in order.
    Blobs(Vec<B256>),
    /// One part as calldata.
    Calldata(Bytes),
}

/// Everything that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Of the L1.
    pub chain_id: u64,
    /// Of the account.
    pub nonce: u64,
    /// The inbox.
    pub to: Address,
    /// Gas limit.
    pub gas_limit: u64,
    /// Fee caps.
    pub caps: Caps,
    /// What it carries.
    pub cargo: Cargo,
}

impl Draft {
    /// Signs; the hash is known from then on.
    pub fn sign(self, signer: &Signer) -> Result<Transaction, Error> {
        let Self {
            chain_id,
            nonce,
            to,
            gas_limit,
            caps,
            cargo,
        } = self;
        Ok(match cargo {
            Cargo::Blobs(blob_versioned_hashes) => signer
                .sign(TxEip4844 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: caps.gas,
                    max_priority_fee_per_gas: caps.tip,
                    to,
                    value: U256::ZERO,
                    access_list: Default::default(),
                    blob_versioned_hashes,
                    max_fee_per_blob_gas: caps.blob,
                    input: Bytes::new(),
                })?
                .into(),
            Cargo::Calldata(part) => signer
                .sign(TxEip1559 {
                    chain_id,
                    nonce,
                    gas_limit,
                    max_fee_per_gas: caps.gas,
                    max_priority_fee_per_gas: caps.tip,
                    to: TxKind::Call(to),
                    value: U256::ZERO,
                    access_list: Default::default(),
                    input: [&[CALLDATA_PART], &part[..]].concat().into(),
                })?
                .into(),
        })
    }
}

/// The form that `eth_sendRawTransaction` takes: with sidecar, if there is one.
pub fn network_form(
    transaction: &Transaction,
    sidecar: Option<BlobTransactionSidecarVariant>,
) -> Vec<u8> {
    match (transaction, sidecar) {
        (Transaction::Eip4844(signed), Some(sidecar)) => {
            let (tx, signature, hash) = signed.clone().into_parts();
            Signed::new_unchecked(tx.with_sidecar(sidecar), signature, hash).encoded_2718()
        }
        (transaction, _) => transaction.encoded_2718(),
    }
}

/// A signed transaction from its form without sidecar.
#[cfg(feature = "rpc")]
pub(crate) fn decode(bytes: &[u8]) -> Option<Transaction> {
    use alloy_eips::eip2718::Decodable2718 as _;
    Transaction::decode_2718_exact(bytes).ok()
}
