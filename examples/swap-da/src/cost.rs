//! What a megabyte costs on each layer, and when it is final: by the formulas
//! with which the adapters pay, at prices that the table states.

use rollwright::{
    da_celestia::{CelestiaConfig, GasPrice, gas_of, parse_namespace},
    da_ethereum::{
        EthereumDaConfig, Inbox, codec,
        fees::{Caps, GWEI},
        inbox_of,
    },
    da_local::{LocalDaConfig, Namespace},
};
use std::time::Duration;

/// What is posted: a megabyte in batches of the default largest size.
const MEGABYTE: u64 = 1_000_000;
const BATCH: u64 = 120 << 10;

/// Gas of a blob transaction.
const BLOB_TRANSACTION_GAS: u64 = 21_000;

/// One line per layer and price, as Markdown.
pub(crate) fn table() -> anyhow::Result<String> {
    let mut lines = vec![
        "| layer | at | cost of 1 MB in batches of 120 KiB | final after |".to_owned(),
        "|---|---|---|---|".to_owned(),
        format!("| local | – | free | {} |", seconds(local_finality()?)),
    ];
    let config = CelestiaConfig::new(Vec::new(), "any", parse_namespace("any")?);
    let sizes = || std::iter::repeat_n(BATCH, (MEGABYTE / BATCH) as usize);
    let rest = MEGABYTE % BATCH;
    for price in [GasPrice::NODE_DEFAULT, GasPrice::from_micro(20_000)] {
        let each: u128 = sizes()
            .chain([rest])
            .map(|bytes| price.fee(gas_of([bytes])))
            .sum();
        lines.push(format!(
            "| Celestia | {price} per gas | {:.4} TIA | {}, one block |",
            each as f64 / 1e6,
            seconds(config.block_time)
        ));
    }
    let inbox = Inbox::parse(&inbox_of(1, "any").to_string(), None, &[])?;
    let finality = EthereumDaConfig::new(Vec::new(), Vec::new(), inbox).finality;
    let blobs: u64 = sizes()
        .chain([rest])
        .map(|bytes| bytes.div_ceil(codec::MAX_PAYLOAD_BYTES as u64))
        .sum();
    for (base, blob) in [
        (GWEI / 2, GWEI / 1_000),
        (2 * GWEI, GWEI),
        (20 * GWEI, 10 * GWEI),
    ] {
        let caps = Caps {
            gas: base,
            tip: 0,
            blob,
        };
        // A transaction for each batch.
        let wei = caps.cost(BLOB_TRANSACTION_GAS.saturating_mul(blobs), blobs);
        lines.push(format!(
            "| Ethereum | {} gwei per gas, {} gwei per blob gas | {:.6} ETH | {}, two epochs |",
            base as f64 / GWEI as f64,
            blob as f64 / GWEI as f64,
            wei as f64 / 1e18,
            seconds(finality)
        ));
    }
    Ok(lines.join("\n"))
}

fn local_finality() -> anyhow::Result<Duration> {
    let config = LocalDaConfig::new(Namespace::new("any")?);
    let depth = u32::try_from(config.finality_depth)?;
    Ok(config.blocks.time().saturating_mul(depth))
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 120.0 => format!("{seconds} s"),
        seconds => format!("{} min", seconds / 60.0),
    }
}

#[cfg(test)]
mod tests {
    /// `cargo run -p swap-da -- cost` prints what belongs there.
    #[test]
    fn the_readme_has_the_present_table() {
        let table = super::table().unwrap_or_default();
        assert!(table.lines().count() > 6);
        let readme = include_str!("../README.md");
        assert!(readme.contains(&table), "{table}");
    }
}
