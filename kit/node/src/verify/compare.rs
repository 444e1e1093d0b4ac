//! A derived block beside the stored one: the first difference, by name.

use crate::NodeError;
use rollwright_core::{BlockId, BlockRef, ChainStore, Execution, Header};

/// Compares a derived block with the stored one of its number.
pub(super) fn compare<E: Execution, S: ChainStore>(
    fresh: &E,
    reference: &S,
    derived: BlockRef,
) -> Result<(), NodeError> {
    let number = derived.number;
    let stored = reference
        .block(BlockId::Number(number))
        .map_err(NodeError::execution)?
        .ok_or_else(|| NodeError::Mismatch {
            number,
            field: "block".into(),
            stored: "none".into(),
            derived: derived.hash.to_string(),
        })?;
    if stored.block == derived {
        return sealed_as(reference, derived);
    }
    let ours = fresh
        .header(BlockId::Hash(derived.hash))
        .map_err(NodeError::execution)?;
    let theirs = reference
        .header(BlockId::Number(number))
        .map_err(NodeError::execution)?;
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return Err(mismatch(number, "hash", &stored.block.hash, &derived.hash));
    };
    Err(first_difference(number, &theirs, &ours)
        .unwrap_or_else(|| mismatch(number, "hash", &stored.block.hash, &derived.hash)))
}

/// Compares a derived block from below a snapshot with the stored header, if
/// that is kept. If it is not, the blocks above vouch for it by parent hash.
pub(super) fn compare_header<E: Execution, S: ChainStore>(
    fresh: &E,
    reference: &S,
    derived: BlockRef,
) -> Result<(), NodeError> {
    let number = derived.number;
    let Some(stored) = reference
        .header(BlockId::Number(number))
        .map_err(NodeError::execution)?
    else {
        return Ok(());
    };
    let hash = stored.hash_slow();
    if hash == derived.hash {
        return Ok(());
    }
    let ours = fresh
        .header(BlockId::Hash(derived.hash))
        .map_err(NodeError::execution)?;
    Err(ours
        .and_then(|ours| first_difference(number, &stored, &ours))
        .unwrap_or_else(|| mismatch(number, "hash", &hash, &derived.hash)))
}

/// The stored header must be the one that its stored hash names.
fn sealed_as<S: ChainStore>(reference: &S, block: BlockRef) -> Result<(), NodeError> {
    let header = reference
        .header(BlockId::Number(block.number))
        .map_err(NodeError::execution)?;
    match header.map(|header| header.hash_slow()) {
        Some(hash) if hash == block.hash => Ok(()),
        Some(hash) => Err(mismatch(
            block.number,
            "hash of the stored header",
            &hash,
            &block.hash,
        )),
        None => Err(mismatch(block.number, "header", &"none", &block.hash)),
    }
}

fn mismatch(
    number: u64,
    field: &str,
    stored: &impl ToString,
    derived: &impl ToString,
) -> NodeError {
    NodeError::Mismatch {
        number,
        field: field.to_owned(),
        stored: stored.to_string(),
        derived: derived.to_string(),
    }
}

/// The first header field in which two headers differ.
fn first_difference(number: u64, stored: &Header, derived: &Header) -> Option<NodeError> {
    macro_rules! fields {
        ($($field:ident),* $(,)? ; $($optional:ident),* $(,)?) => {
            [
                $((
                    stringify!($field),
                    stored.$field.to_string(),
                    derived.$field.to_string(),
                ),)*
                $((
                    stringify!($optional),
                    shown(stored.$optional.as_ref()),
                    shown(derived.$optional.as_ref()),
                ),)*
            ]
        };
    }
    let all = fields![
        parent_hash,
        number,
        timestamp,
        beneficiary,
        gas_limit,
        mix_hash,
        transactions_root,
        gas_used,
        receipts_root,
        logs_bloom,
        state_root,
        extra_data,
        ommers_hash,
        difficulty,
        nonce;
        parent_beacon_block_root,
        base_fee_per_gas,
        withdrawals_root,
        blob_gas_used,
        excess_blob_gas,
        requests_hash,
    ];
    all.into_iter()
        .find(|(_, stored, derived)| stored != derived)
        .map(|(field, stored, derived)| mismatch(number, field, &stored, &derived))
}

fn shown(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}
