//! Refusal of unknown keys, with the nearest known one.

use super::GenesisError;
use alloc::{format, vec, vec::Vec};
use serde_json::Value;

const FILE: &[&str] = &[
    "config",
    "nonce",
    "timestamp",
    "extraData",
    "gasLimit",
    "difficulty",
    "mixHash",
    "coinbase",
    "alloc",
    "number",
    "gasUsed",
    "parentHash",
    "baseFeePerGas",
    "excessBlobGas",
    "blobGasUsed",
];

const CONFIG: &[&str] = &[
    "chainId",
    "homesteadBlock",
    "daoForkBlock",
    "daoForkSupport",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "muirGlacierBlock",
    "berlinBlock",
    "londonBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeNetsplitBlock",
    "terminalTotalDifficulty",
    "terminalTotalDifficultyPassed",
    "shanghaiTime",
    "cancunTime",
    "pragueTime",
    "osakaTime",
    "bpo1Time",
    "bpo2Time",
    "bpo3Time",
    "bpo4Time",
    "bpo5Time",
    "depositContractAddress",
    "ethash",
    "blobSchedule",
    "rollwright",
];

const BLOB_FORKS: &[&str] = &[
    "cancun", "prague", "osaka", "bpo1", "bpo2", "bpo3", "bpo4", "bpo5",
];

const BLOB: &[&str] = &["target", "max", "baseFeeUpdateFraction"];

const ACCOUNT: &[&str] = &["balance", "nonce", "code", "storage"];

/// Refuses the first unknown key of the file. The object `config.rollwright`
/// is checked by its own type.
pub(super) fn check(file: &Value) -> Result<(), GenesisError> {
    check_object(file, "", FILE)?;
    if let Some(config) = file.get("config") {
        check_object(config, "config.", CONFIG)?;
        if let Some(schedule) = config.get("blobSchedule") {
            check_object(schedule, "config.blobSchedule.", BLOB_FORKS)?;
            for (fork, params) in schedule.as_object().into_iter().flatten() {
                check_object(params, &format!("config.blobSchedule.{fork}."), BLOB)?;
            }
        }
    }
    for (address, account) in file
        .get("alloc")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        check_object(account, &format!("alloc.{address}."), ACCOUNT)?;
    }
    Ok(())
}

fn check_object(value: &Value, prefix: &str, known: &[&str]) -> Result<(), GenesisError> {
    for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
        if !known.contains(&key.as_str()) {
            return Err(GenesisError::UnknownKey {
                path: format!("{prefix}{key}"),
                cure: match nearest(key, known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("remove it (known keys: {})", known.join(", ")),
                },
            });
        }
    }
    Ok(())
}

/// The known key nearest to `key`, if a third of it or less is different.
pub(super) fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = key.to_lowercase();
    known
        .iter()
        .map(|name| (distance(&lower, &name.to_lowercase()), *name))
        .min()
        .filter(|(distance, name)| *distance * 3 <= name.len().max(key.len()))
        .map(|(_, name)| name)
}

/// Levenshtein distance in bytes. The key is cut at 64 bytes: longer ones are
/// no misspelling.
fn distance(a: &str, b: &str) -> usize {
    let a = &a.as_bytes()[..a.len().min(64)];
    let b = b.as_bytes();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(x != y);
            next.push(replaced.min(row[j + 1] + 1).min(next[j] + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(a.len())
}
