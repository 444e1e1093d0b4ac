//! Difficulty before the merge.

use super::rules::Rules;
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header};
use alloy_primitives::U256;
use revm::primitives::hardfork::SpecId;

/// Least difficulty of a block.
const MINIMUM: U256 = U256::from_limbs([131_072, 0, 0, 0]);

/// Blocks of one period of the difficulty bomb.
const PERIOD: u64 = 100_000;

/// Difficulty of the child of `parent` that is made at `timestamp`: the Yellow
/// Paper for Frontier, then EIP-2, EIP-100 and the bomb's delays.
pub(super) fn difficulty(rules: &Rules<'_>, parent: &Header, timestamp: u64) -> U256 {
    let number = parent.number.saturating_add(1);
    let elapsed = timestamp.saturating_sub(parent.timestamp);
    let step: U256 = parent.difficulty >> 11_usize;
    let steps = if rules.has(SpecId::BYZANTIUM) {
        let most = match parent.ommers_hash == EMPTY_OMMER_ROOT_HASH {
            true => 1,
            false => 2,
        };
        falling(most, elapsed / 9)
    } else if rules.has(SpecId::HOMESTEAD) {
        falling(1, elapsed / 10)
    } else if elapsed < 13 {
        1
    } else {
        -1
    };
    let change = step.saturating_mul(U256::from(steps.unsigned_abs()));
    let plain = match steps < 0 {
        true => parent.difficulty.saturating_sub(change),
        false => parent.difficulty.saturating_add(change),
    };
    let period = number.saturating_sub(delay(rules, number)) / PERIOD;
    plain.max(MINIMUM).saturating_add(bomb(period))
}

/// `most - fallen`, and never below −99.
fn falling(most: i64, fallen: u64) -> i64 {
    let fallen = i64::try_from(fallen).unwrap_or(i64::MAX);
    most.saturating_sub(fallen).max(-99)
}

fn bomb(period: u64) -> U256 {
    match period.checked_sub(2) {
        None => U256::ZERO,
        Some(exponent) => usize::try_from(exponent)
            .ok()
            .and_then(|exponent| U256::ONE.checked_shl(exponent))
            .unwrap_or(U256::MAX),
    }
}

/// By how many blocks the bomb lags: EIP-649, 1234, 2384, 3554, 4345, 5133.
fn delay(rules: &Rules<'_>, number: u64) -> u64 {
    let config = rules.config;
    let since = |block: Option<u64>| block.is_some_and(|from| from <= number);
    [
        (config.gray_glacier_block, 11_400_000),
        (config.arrow_glacier_block, 10_700_000),
        (config.london_block, 9_700_000),
        (config.muir_glacier_block, 9_000_000),
        (config.constantinople_block, 5_000_000),
        (config.byzantium_block, 3_000_000),
    ]
    .into_iter()
    .find_map(|(block, delay)| since(block).then_some(delay))
    .unwrap_or(0)
}
