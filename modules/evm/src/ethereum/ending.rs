//! What happens to balances outside of transactions.

use super::{BlockError, EthereumBlock, StateRoot, executor::Executor, rules::Rules};
use alloy_evm::eth::dao_fork::{DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY};
use alloy_primitives::map::AddressMap;

/// One gwei in wei.
const GWEI: u128 = 1_000_000_000;

/// The DAO fork, before the transactions of its first block.
pub(super) fn dao<S: StateRoot>(
    rules: &Rules<'_>,
    executor: &mut Executor<'_, S>,
) -> Result<(), BlockError<S::Error>> {
    match rules.moves_dao() {
        true => executor.sweep(&DAO_HARDFORK_ACCOUNTS, DAO_HARDFORK_BENEFICIARY),
        false => Ok(()),
    }
}

/// Rewards of author and ommers before the merge, withdrawals (EIP-4895) after
/// Shanghai.
pub(super) fn balances<S: StateRoot>(
    rules: &Rules<'_>,
    block: &EthereumBlock,
    executor: &mut Executor<'_, S>,
) -> Result<(), BlockError<S::Error>> {
    let mut given: AddressMap<u128> = AddressMap::default();
    let mut add = |address, amount: u128| {
        let sum = given.entry(address).or_default();
        *sum = sum.saturating_add(amount);
    };
    if let Some(reward) = rules.reward() {
        let header = block.header();
        let ommers = &block.block.body.ommers;
        add(
            header.beneficiary,
            reward + reward / 32 * ommers.len() as u128,
        );
        for ommer in ommers {
            // At most seven generations: checked with the ommers.
            let age = header.number.saturating_sub(ommer.number).min(8);
            add(ommer.beneficiary, reward / 8 * u128::from(8 - age));
        }
    }
    for withdrawal in block.block.body.withdrawals.iter().flatten() {
        if withdrawal.amount != 0 {
            add(
                withdrawal.address,
                u128::from(withdrawal.amount).saturating_mul(GWEI),
            );
        }
    }
    executor.give(given)
}
