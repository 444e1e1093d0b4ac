//! The one place that reads what a node says in words.

use crate::{CelestiaError, GasPrice, bytes_in};

/// What an answer's text means. Case does not matter; what is not known is
/// [`CelestiaError::Unknown`].
///
/// Source: the error texts of celestia-node, celestia-app and the Cosmos SDK.
pub fn classify_text(text: &str) -> CelestiaError {
    // Nothing that is read from it stands far behind.
    let lower: String = text
        .chars()
        .take(2_000)
        .flat_map(char::to_lowercase)
        .collect();
    let has = |part: &str| lower.contains(part);
    let number = |marker: &str| number_after(&lower, marker);
    if has("given height is from the future") {
        return CelestiaError::HeightAhead {
            head: number("networkheight:").unwrap_or(0),
            requested: number("requestedheight:").unwrap_or(0),
        };
    }
    if has("is below tail") {
        return CelestiaError::HeightPruned {
            tail: number("below tail (").unwrap_or(0),
            requested: number("header (").unwrap_or(0),
        };
    }
    if has("timestamp outside sampling window") {
        return CelestiaError::OutsideWindow;
    }
    if has("blob: not found") {
        return CelestiaError::NoBlob;
    }
    if has("share: data not available") {
        return CelestiaError::NotAvailable;
    }
    if has("header: syncing in progress") {
        return CelestiaError::HeightAhead {
            head: number("localheadheight:").unwrap_or(0),
            requested: number("requestedheight:").unwrap_or(0),
        };
    }
    if has("tx already in mempool")
        || has("tx already exists in mempool")
        || has("tx already exists in cache")
    {
        return CelestiaError::AlreadyPending;
    }
    if has("timed out waiting for tx to be included") {
        return CelestiaError::ConfirmTimeout;
    }
    if has("account sequence mismatch") || has("incorrect account sequence") {
        return CelestiaError::SequenceMismatch {
            expected: number("expected").unwrap_or(0),
            got: number("got").unwrap_or(0),
        };
    }
    if has("estimated gas price exceeds max gas price") {
        let cap = lower
            .split_once("max gas price")
            .and_then(|(_, rest)| decimal(rest))
            .unwrap_or_default();
        return CelestiaError::FeeCapReached { cap };
    }
    if has("insufficient fees") || has("insufficient minimum gas price") || has("insufficient fee")
    {
        return CelestiaError::FeeTooLow {
            required_utia: number("required:").unwrap_or(0),
        };
    }
    if has("insufficient funds") || has("spendable balance") {
        let address = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.starts_with("celestia1") && word.len() > 40)
            .unwrap_or_default();
        return CelestiaError::OutOfFunds {
            address: address.to_owned(),
        };
    }
    if has("blob: over size limit")
        || has("tx too large")
        || has("configured maxtxsize")
        || has("request too large")
        || has("request is too big")
        || has("413")
    {
        return CelestiaError::TooLarge {
            bytes: 0,
            max_bytes: number("max size is")
                .or_else(|| number("configured maxtxsize of"))
                .or_else(|| number("limit"))
                .unwrap_or(0),
        };
    }
    if has("blob(s) too large") || has("max number of shares available for blob data") {
        return CelestiaError::TooLarge {
            bytes: 0,
            max_bytes: number("shares available for blob data").map_or(0, bytes_in),
        };
    }
    if has("mempool is full") {
        return CelestiaError::MempoolFull;
    }
    if has("tx was previously rejected") {
        return CelestiaError::PreviouslyRejected;
    }
    if has("evicted") {
        let hash = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .find(|word| word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()))
            .unwrap_or_default();
        return CelestiaError::Evicted {
            hash: hash.to_owned(),
        };
    }
    if has("node is running without state access") {
        return CelestiaError::NoStateAccess;
    }
    if has("missing permission") || has("401") || has("unauthorized") {
        return CelestiaError::TokenScope;
    }
    CelestiaError::Unknown {
        text: text.chars().take(300).collect(),
        times: 1,
    }
}

/// The first number behind `marker`, over at most a few other characters.
fn number_after(text: &str, marker: &str) -> Option<u64> {
    let (_, rest) = text.split_once(marker)?;
    let start = rest.find(|c: char| c.is_ascii_digit())?;
    if start > 8 {
        return None;
    }
    let digits = rest.get(start..)?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// The first decimal number of a text, as a price.
fn decimal(text: &str) -> Option<GasPrice> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let number = text.get(start..)?;
    let end = number
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(number.len());
    number.get(..end)?.trim_end_matches('.').parse().ok()
}
