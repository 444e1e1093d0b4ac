//! The devnet's own transactions.

use super::square::BlobUnit;
use crate::{
    CelestiaError, GasPrice, gas,
    pay::{Payer, Terms},
};
use celestia_types::{Blob, state::AccAddress};
use sha2::{Digest, Sha256};

/// The account that the node posts from.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    payer: Payer,
    number: u64,
}

/// A signed transaction, and what it costs.
#[derive(Clone, Debug)]
pub(crate) struct SignedUnit {
    pub(crate) unit: BlobUnit,
    /// SHA-256 of the transaction without its blobs.
    pub(crate) hash: [u8; 32],
    pub(crate) fee: u64,
}

impl Account {
    /// The account of a seed: its key is a hash of it.
    pub(crate) fn new(seed: u64, number: u64) -> Result<Self, CelestiaError> {
        let mut hasher = Sha256::new();
        hasher.update(b"rollwright-da-celestia/account/1");
        hasher.update(seed.to_le_bytes());
        hasher.update(number.to_le_bytes());
        let payer = Payer::from_bytes(&hasher.finalize())
            .ok_or_else(|| CelestiaError::Devnet("the seed gives no account key".to_owned()))?;
        Ok(Self { payer, number })
    }

    pub(crate) const fn address(&self) -> AccAddress {
        self.payer.address()
    }

    /// A transaction that pays for `blobs` with the account's `sequence`.
    pub(crate) fn pay(
        &self,
        chain_id: &str,
        sequence: u64,
        price: GasPrice,
        blobs: Vec<Blob>,
    ) -> Result<SignedUnit, CelestiaError> {
        let gas_limit = gas_for(&blobs);
        let fee = u64::try_from(price.fee(gas_limit)).unwrap_or(u64::MAX);
        let terms = Terms {
            chain_id,
            account: self.number,
            sequence,
            gas_limit,
            fee,
            granter: None,
        };
        let signed = self.payer.sign(&terms, &blobs)?;
        Ok(SignedUnit {
            hash: signed.hash,
            fee,
            unit: BlobUnit {
                tx: signed.tx,
                blobs,
            },
        })
    }
}

/// Gas of a transaction with these blobs.
pub(crate) fn gas_for(blobs: &[Blob]) -> u64 {
    let shares = blobs
        .iter()
        .map(|blob| gas::shares_needed(blob.data.len() as u64, blob.signer.is_some()))
        .sum();
    gas::gas(shares, blobs.len() as u64)
}

#[cfg(test)]
mod tests;
