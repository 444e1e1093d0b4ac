//! Fees: what blocks asked, and what to offer for the next one.

use super::{
    api::EthApi,
    args::{Args, Count},
    blobs,
    error::{Answer, EthError},
};
use crate::{machine::next_base_fee, store::StoredBlock};
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::{BlockNumberOrTag, eip2718::Decodable2718 as _};
use alloy_primitives::U256;
use alloy_rpc_types_eth::FeeHistory;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::sync::Arc;

/// Blocks that the suggested priority fee looks at.
const SAMPLED_BLOCKS: u64 = 20;
/// Which of the sampled priority fees is suggested, in percent.
const SUGGESTED_PERCENTILE: usize = 60;
/// A block that used this share of its gas had no room to spare, in percent.
const FULL_PERCENT: u64 = 80;
/// Most percentiles in one `eth_feeHistory`, as in geth.
const MAX_PERCENTILES: usize = 100;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_gasPrice", |params, api, _| {
        Args::new(&params).end()?;
        let header = &api.latest_block()?.header;
        let base = header
            .base_fee_per_gas
            .unwrap_or(0)
            .max(next_base_fee(header));
        Answer::Ok(U256::from(base) + U256::from(priority_fee(api)?))
    })?;
    module.register_method("eth_maxPriorityFeePerGas", |params, api, _| {
        Args::new(&params).end()?;
        Answer::Ok(U256::from(priority_fee(api)?))
    })?;
    module.register_method("eth_baseFee", |params, api, _| {
        Args::new(&params).end()?;
        Answer::Ok(U256::from(next_base_fee(&api.latest_block()?.header)))
    })?;
    module.register_method("eth_blobBaseFee", |params, api, _| {
        Args::new(&params).end()?;
        let price = blobs::price(&api.chain, &api.latest_block()?.header);
        Answer::Ok(U256::from(price.unwrap_or(0)))
    })?;
    module.register_async_method("eth_feeHistory", |params, api, _| async move {
        let mut args = Args::new(&params);
        let count = args.required::<Count>()?.0;
        let newest = args.required::<BlockNumberOrTag>()?;
        let percentiles = args.optional::<Vec<f64>>()?.unwrap_or_default();
        args.end()?;
        api.heavy(move |api, _| fee_history(api, count, newest, &percentiles))
            .await
    })?;
    Ok(())
}

/// The configured minimum while the last block had room; otherwise what the
/// cheaper transactions of recent blocks paid.
pub(super) fn priority_fee(api: &EthApi) -> Answer<u128> {
    let least = api.config.min_priority_fee;
    let latest = api.latest_block()?;
    let header = &latest.header;
    if header.gas_used < header.gas_limit / 100 * FULL_PERCENT {
        return Ok(least);
    }
    let mut paid = Vec::new();
    let newest = header.number;
    for number in newest.saturating_sub(SAMPLED_BLOCKS - 1)..=newest {
        if let Some(block) = api.by_number(number)? {
            let mut tips: Vec<u128> = tips(&block).into_iter().map(|(tip, _)| tip).collect();
            tips.sort_unstable();
            paid.extend(tips.into_iter().filter(|tip| *tip > 0).take(3));
        }
    }
    paid.sort_unstable();
    let index = paid.len().saturating_sub(1) * SUGGESTED_PERCENTILE / 100;
    Ok(paid.get(index).copied().unwrap_or(least).max(least))
}

/// Effective priority fee and gas used of each transaction, in block order.
fn tips(block: &StoredBlock) -> Vec<(u128, u64)> {
    let base_fee = block.header.base_fee_per_gas.unwrap_or(0);
    let mut before = 0;
    block
        .transactions()
        .zip(&block.receipts)
        .filter_map(|(bytes, receipt)| {
            let gas = receipt.cumulative_gas_used().saturating_sub(before);
            before = receipt.cumulative_gas_used();
            let transaction = TxEnvelope::decode_2718_exact(bytes).ok()?;
            Some((
                transaction.effective_tip_per_gas(base_fee).unwrap_or(0),
                gas,
            ))
        })
        .collect()
}

fn fee_history(
    api: &EthApi,
    count: u64,
    newest: BlockNumberOrTag,
    percentiles: &[f64],
) -> Answer<FeeHistory> {
    check_percentiles(percentiles)?;
    let head = api.heads()?.latest.number;
    let newest = match newest {
        BlockNumberOrTag::Number(number) if number > head => {
            return Err(EthError::params(format!(
                "request beyond head block: requested {number}, head {head}"
            )));
        }
        tag => api.resolve(tag.into())?.number,
    };
    let count = count.min(api.config.max_fee_history).min(newest + 1);
    if count == 0 {
        return Ok(FeeHistory::default());
    }
    let oldest = newest + 1 - count;
    let mut history = FeeHistory {
        oldest_block: oldest,
        reward: (!percentiles.is_empty()).then(Vec::new),
        ..FeeHistory::default()
    };
    for number in oldest..=newest {
        let block = api.by_number(number)?.ok_or(EthError::HeaderNotFound)?;
        let header = &block.header;
        history
            .base_fee_per_gas
            .push(header.base_fee_per_gas.unwrap_or(0).into());
        history
            .gas_used_ratio
            .push(ratio(header.gas_used, header.gas_limit));
        history
            .base_fee_per_blob_gas
            .push(blobs::price(&api.chain, header).unwrap_or(0));
        let (used, most) = blobs::used(&api.chain, header);
        history.blob_gas_used_ratio.push(ratio(used, most));
        if let Some(rewards) = &mut history.reward {
            rewards.push(rewards_at(tips(&block), header.gas_used, percentiles));
        }
        if number == newest {
            // The fields for the block after the range follow from its last.
            history.base_fee_per_gas.push(next_base_fee(header).into());
            history
                .base_fee_per_blob_gas
                .push(blobs::next_price(&api.chain, header).unwrap_or(0));
        }
    }
    Ok(history)
}

fn check_percentiles(percentiles: &[f64]) -> Answer<()> {
    if percentiles.len() > MAX_PERCENTILES {
        return Err(EthError::params(format!(
            "invalid reward percentile: over the query limit {MAX_PERCENTILES}"
        )));
    }
    let mut before = 0.0;
    for (index, percentile) in percentiles.iter().enumerate() {
        if !(0.0..=100.0).contains(percentile) {
            return Err(EthError::params(format!(
                "invalid reward percentile: {percentile:.6}"
            )));
        }
        if *percentile < before {
            return Err(EthError::params(format!(
                "invalid reward percentile: #{}:{before:.6} >= #{index}:{percentile:.6}",
                index.saturating_sub(1)
            )));
        }
        before = *percentile;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people and wallets")]
fn ratio(used: u64, limit: u64) -> f64 {
    if limit == 0 {
        return 0.0;
    }
    used as f64 / limit as f64
}

/// The priority fee at each percentile of the block's gas, cheapest first.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "percentiles of gas, rounded down as geth does"
)]
pub(super) fn rewards_at(
    mut tips: Vec<(u128, u64)>,
    gas_used: u64,
    percentiles: &[f64],
) -> Vec<u128> {
    tips.sort_unstable();
    let Some((mut tip, mut reached)) = tips.first().copied() else {
        return vec![0; percentiles.len()];
    };
    let mut rest = tips.into_iter().skip(1);
    percentiles
        .iter()
        .map(|percentile| {
            let threshold = (gas_used as f64 * percentile / 100.0) as u64;
            while reached < threshold
                && let Some((next, gas)) = rest.next()
            {
                tip = next;
                reached += gas;
            }
            tip
        })
        .collect()
}
