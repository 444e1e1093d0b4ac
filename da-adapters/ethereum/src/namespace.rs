//! Where a rollup's data lies on an L1, and which transactions count.

#[cfg(test)]
mod tests;

use crate::{Error, Transaction};
use alloy_consensus::{Transaction as _, transaction::SignerRecoverable as _};
use alloy_primitives::{Address, B256, Bytes, keccak256};
use rollwright_core::{DaHeight, DaLane};
use std::{fmt, str::FromStr};

/// First byte of calldata that carries one part.
pub(crate) const CALLDATA_PART: u8 = 1;

/// Where a rollup's data lies: part of its chain configuration, since every
/// node must decide alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// Receives batches, and forced transactions where `forced` is `None`.
    pub batch: InboxAddress,
    /// Receives forced transactions, from anybody.
    pub forced: Option<Address>,
    /// Who may post to the batch inbox; empty admits all. Never a rollup
    /// identity: that is the envelope's signature.
    pub posters: Vec<Poster>,
}

/// The batch inbox, and whether it takes calldata.
///
/// Spelled `0x` and 40 hexadecimal digits, then `+calldata` where parts may
/// also travel as calldata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboxAddress {
    /// An address without code or key.
    pub address: Address,
    /// True where parts may travel as calldata.
    pub calldata: bool,
}

/// An account that may post from a height on.
///
/// Spelled as its address, then `@height` unless it may from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poster {
    /// The account.
    pub address: Address,
    /// The first L1 block whose transactions of it count.
    pub from_height: DaHeight,
}

/// The inbox of a rollup by name: the last 20 bytes of
/// keccak256("rollwright-da-ethereum/inbox/1:" ‖ rollup chain id, decimal ‖ ":" ‖ name).
pub fn inbox_of(chain_id: u64, name: &str) -> Address {
    Address::from_word(keccak256(format!(
        "rollwright-da-ethereum/inbox/1:{chain_id}:{name}"
    )))
}

/// What a transaction to an inbox carries, once per blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// A blob, by its versioned hash.
    Blob(B256),
    /// Calldata of which this is the part.
    Calldata(Bytes),
}

/// One entry of ours in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Hash of the transaction.
    pub transaction: B256,
    /// The lane, by the address that it was sent to.
    pub lane: DaLane,
    /// Recovered from the signature.
    pub poster: Address,
    /// What it carries.
    pub carried: Carried,
}

impl Item {
    /// The commitment that a reference names: versioned hash, or keccak256 of
    /// the part.
    pub fn commitment(&self) -> B256 {
        match &self.carried {
            Carried::Blob(hash) => *hash,
            Carried::Calldata(part) => keccak256(part),
        }
    }
}

impl Inbox {
    /// The inbox of a chain configuration: `da.address`, `da.forcedAddress`,
    /// `da.posters`.
    pub fn parse(address: &str, forced: Option<&str>, posters: &[String]) -> Result<Self, Error> {
        Ok(Self {
            batch: address.parse()?,
            forced: forced
                .map(|text| parse_address("da.forcedAddress", text))
                .transpose()?,
            posters: posters
                .iter()
                .map(|poster| poster.parse())
                .collect::<Result<_, _>>()?,
        })
    }

    /// The address of a lane.
    pub fn address(&self, lane: DaLane) -> Address {
        match (lane, self.forced) {
            (DaLane::Forced, Some(forced)) => forced,
            _ => self.batch.address,
        }
    }

    /// What is ours in a block, in order: transactions as they stand in it,
    /// blobs as they stand in their transaction.
    ///
    /// Transactions that create a contract, go elsewhere, come from an account
    /// that is not listed, or carry nothing are left out. Reverted ones count.
    pub fn items(&self, height: DaHeight, transactions: &[Transaction]) -> Vec<Item> {
        transactions
            .iter()
            .filter_map(|transaction| self.items_of(height, transaction))
            .flatten()
            .collect()
    }

    fn items_of(&self, height: DaHeight, transaction: &Transaction) -> Option<Vec<Item>> {
        let to = transaction.to()?;
        let lane = if to == self.batch.address {
            DaLane::Batch
        } else if Some(to) == self.forced {
            DaLane::Forced
        } else {
            return None;
        };
        let carried: Vec<Carried> = match transaction.blob_versioned_hashes() {
            Some(hashes) => hashes.iter().copied().map(Carried::Blob).collect(),
            None if transaction.is_eip4844() || !self.batch.calldata => return None,
            None => match transaction.input().split_first() {
                Some((&CALLDATA_PART, part)) => {
                    vec![Carried::Calldata(Bytes::copy_from_slice(part))]
                }
                _ => return None,
            },
        };
        // After everything that costs nothing; a signature that stands in a
        // block recovers.
        let poster = transaction.recover_signer().ok()?;
        if lane == DaLane::Batch && !self.admits(height, poster) {
            return None;
        }
        let transaction = *transaction.tx_hash();
        let item = |carried| Item {
            transaction,
            lane,
            poster,
            carried,
        };
        Some(carried.into_iter().map(item).collect())
    }

    fn admits(&self, height: DaHeight, poster: Address) -> bool {
        let admitted = |listed: &Poster| listed.address == poster && listed.from_height <= height;
        self.posters.is_empty() || self.posters.iter().any(admitted)
    }
}

fn parse_address(key: &'static str, text: &str) -> Result<Address, Error> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Error::Config {
            key,
            reason: format!(
                "`{}` is not an address: 0x and 40 hexadecimal digits",
                text.chars().take(80).collect::<String>()
            ),
        })
}

impl FromStr for InboxAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (address, calldata) = match text.strip_suffix("+calldata") {
            Some(address) => (address, true),
            None => (text, false),
        };
        Ok(Self {
            address: parse_address("da.address", address)?,
            calldata,
        })
    }
}

impl fmt::Display for InboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = if self.calldata { "+calldata" } else { "" };
        write!(f, "{}{suffix}", self.address)
    }
}

impl FromStr for Poster {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        const KEY: &str = "da.posters";
        let (address, height) = match text.split_once('@') {
            Some((address, height)) => {
                let height = height.parse().map_err(|_| Error::Config {
                    key: KEY,
                    reason: "the height behind `@` is not a number".into(),
                })?;
                (address, height)
            }
            None => (text, 0),
        };
        Ok(Self {
            address: parse_address(KEY, address)?,
            from_height: DaHeight(height),
        })
    }
}
