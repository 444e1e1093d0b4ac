//! What to offer for a transaction, and when to offer more. Pure.

#[cfg(test)]
mod tests;

use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7840::BlobParams};
use borsh::{BorshDeserialize, BorshSerialize};

/// One gwei in wei.
pub const GWEI: u128 = 1_000_000_000;

/// Prices of the L1 now, in wei per gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// Execution base fee.
    pub base_fee: u128,
    /// Blob base fee.
    pub blob_base_fee: u128,
    /// Median tip of recent blocks.
    pub tip: u128,
}

/// What a transaction offers at most, in wei per gas. The base prices are
/// caps; the tip is paid in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Caps {
    /// `maxFeePerGas`
    pub gas: u128,
    /// `maxPriorityFeePerGas`
    pub tip: u128,
    /// `maxFeePerBlobGas`
    pub blob: u128,
}

impl Caps {
    /// Most that a transaction can cost, in wei.
    pub const fn cost(&self, gas_limit: u64, blobs: u64) -> u128 {
        let blob_gas = blobs.saturating_mul(DATA_GAS_PER_BLOB) as u128;
        let gas = self.gas.saturating_mul(gas_limit as u128);
        gas.saturating_add(self.blob.saturating_mul(blob_gas))
    }

    /// Twice of each, as replacing a blob transaction takes.
    const fn doubled(&self) -> Self {
        Self {
            gas: self.gas.saturating_mul(2),
            tip: self.tip.saturating_mul(2),
            blob: self.blob.saturating_mul(2),
        }
    }

    fn at_least(self, other: Self) -> Self {
        Self {
            gas: self.gas.max(other.gas),
            tip: self.tip.max(other.tip),
            blob: self.blob.max(other.blob),
        }
    }
}

/// What the operator allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeLimits {
    /// Highest `maxFeePerGas` in wei. Default 200 gwei.
    pub max_gas_fee: u128,
    /// Highest tip in wei per gas. Default 5 gwei.
    pub max_tip: u128,
    /// Lowest tip in wei per gas. Default 0.01 gwei.
    pub min_tip: u128,
    /// Highest `maxFeePerBlobGas` in wei. Default 30 gwei.
    pub max_blob_fee: u128,
    /// Most that may be bound within 24 hours, in wei. Default 0.5 ether.
    pub max_spend_per_day: u128,
    /// Blocks after which a transaction that could be included but is not is
    /// replaced. Default 6.
    pub stuck_after: u64,
    /// Most replacements of one transaction. Default 4.
    pub max_steps: u32,
}

impl Default for FeeLimits {
    fn default() -> Self {
        Self {
            max_gas_fee: 200 * GWEI,
            max_tip: 5 * GWEI,
            min_tip: GWEI / 100,
            max_blob_fee: 30 * GWEI,
            max_spend_per_day: 500_000_000 * GWEI,
            stuck_after: 6,
            max_steps: 4,
        }
    }
}

/// A configured ceiling under which the L1 is too dear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling {
    /// The setting: `max-gas-fee`, `max-blob-fee`, `max-tip`.
    pub key: &'static str,
    /// What would be needed, in wei per gas.
    pub needed: u128,
    /// The setting's value, in wei per gas.
    pub limit: u128,
}

/// An offer that waits in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its caps.
    pub caps: Caps,
    /// The L1's height when it was made.
    pub made_at: u64,
    /// How many replacements it is.
    pub step: u32,
}

/// What to do with an offer that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Leave it.
    Keep,
    /// Offer these in its place.
    Replace(Caps),
    /// It should be replaced and a ceiling forbids it.
    Held(Ceiling),
}

impl FeeLimits {
    /// The first offer: twice the base prices, so that about nine full blocks
    /// do not outrun it, within the ceilings.
    ///
    /// `Err` where a base price itself lies above its ceiling.
    pub fn first(&self, market: Market) -> Result<Caps, Ceiling> {
        let tip = market
            .tip
            .clamp(self.min_tip.min(self.max_tip), self.max_tip);
        let now = market.base_fee.saturating_add(tip);
        let check = |key, needed: u128, limit: u128| {
            if needed > limit {
                Err(Ceiling { key, needed, limit })
            } else {
                Ok(())
            }
        };
        check("max-gas-fee", now, self.max_gas_fee)?;
        check("max-blob-fee", market.blob_base_fee, self.max_blob_fee)?;
        let gas = market.base_fee.saturating_mul(2).saturating_add(tip);
        let blob = market.blob_base_fee.saturating_mul(2).max(GWEI);
        Ok(Caps {
            gas: gas.min(self.max_gas_fee),
            tip,
            blob: blob.min(self.max_blob_fee),
        })
    }

    /// Whether an offer is replaced at this height.
    ///
    /// Rare and deliberate, since pools want twice of everything: only where
    /// the offer lies below the base prices, or after `stuck_after` blocks
    /// although it does not.
    pub fn next(&self, market: Market, offer: &Offer, head: u64) -> Step {
        let below = offer.caps.gas < market.base_fee || offer.caps.blob < market.blob_base_fee;
        let stuck = head.saturating_sub(offer.made_at) >= self.stuck_after;
        if !(below || stuck) || offer.step >= self.max_steps {
            return Step::Keep;
        }
        let caps = match self.first(market) {
            Ok(fresh) => fresh.at_least(offer.caps.doubled()),
            Err(ceiling) => return Step::Held(ceiling),
        };
        for (key, needed, limit) in [
            ("max-gas-fee", caps.gas, self.max_gas_fee),
            ("max-blob-fee", caps.blob, self.max_blob_fee),
            ("max-tip", caps.tip, self.max_tip),
        ] {
            if needed > limit {
                return Step::Held(Ceiling { key, needed, limit });
            }
        }
        Step::Replace(caps)
    }
}

/// Gas that a byte of calldata costs at least, by the fork in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalldataPrice {
    /// Gas per zero byte.
    pub zero: u64,
    /// Gas per other byte.
    pub other: u64,
}

impl CalldataPrice {
    /// EIP-7623: 10 gas per token, a byte other than zero being four tokens.
    pub const PRAGUE: Self = Self {
        zero: 10,
        other: 40,
    };

    /// The floor for some bytes, without the transaction's own gas.
    pub fn gas(&self, data: &[u8]) -> u64 {
        let zeros = data.iter().filter(|byte| **byte == 0).count() as u64;
        zeros * self.zero + (data.len() as u64 - zeros) * self.other
    }
}

/// Gas of a transaction that transfers nothing.
const TX_GAS: u128 = 21_000;

/// What blobs cost at the present prices in wei: `blobs` of them in
/// `transactions`.
pub const fn blob_cost(market: Market, blobs: u64, transactions: u64) -> u128 {
    let blob =
        (blobs.saturating_mul(DATA_GAS_PER_BLOB) as u128).saturating_mul(market.blob_base_fee);
    let price = market.base_fee.saturating_add(market.tip);
    blob.saturating_add(price.saturating_mul(TX_GAS * transactions as u128))
}

/// What one part as calldata costs at the present prices in wei.
pub fn calldata_cost(market: Market, price: CalldataPrice, part: &[u8]) -> u128 {
    let gas = TX_GAS + u128::from(price.gas(part)) + u128::from(price.other);
    gas.saturating_mul(market.base_fee.saturating_add(market.tip))
}

/// Chooses between blobs and calldata by price alone, never because of an
/// error: calldata once it was a fifth cheaper for five blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chooser {
    cheaper_since: Option<u64>,
}

impl Chooser {
    /// Takes note of both prices at a height, and says whether to use calldata.
    pub const fn calldata(&mut self, head: u64, blobs: u128, calldata: u128) -> bool {
        if calldata.saturating_mul(5) > blobs.saturating_mul(4) {
            self.cheaper_since = None;
            return false;
        }
        match self.cheaper_since {
            Some(since) => head.saturating_sub(since) >= 5,
            None => {
                self.cheaper_since = Some(head);
                false
            }
        }
    }
}

/// Blob parameters by time: the L1 tells them (EIP-7910), they are never part
/// of a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobSchedule {
    /// In force now.
    pub current: BlobParams,
    /// From this Unix second on, if one is planned.
    pub next: Option<(u64, BlobParams)>,
}

impl BlobSchedule {
    /// The parameters in force at a time.
    pub const fn at(&self, time: u64) -> BlobParams {
        match self.next {
            Some((from, params)) if time >= from => params,
            _ => self.current,
        }
    }
}
