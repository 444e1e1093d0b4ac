//! What a stateless execution of a block needs.

use super::{StateView, StoreError, base::Inner, chain, execute::Reads};
use alloy_primitives::{Address, B256, Bytes};
use alloy_rlp::Encodable;
use parking_lot::Mutex;
use rollwright_core::{BlockId, Changes, ExecutionWitness, Header, ProofKey};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Nodes of all that was read or changed, and the siblings that a deletion
/// needs, whether deletions come first or with the rest of the block.
pub(super) fn collect(
    inner: &Arc<Inner>,
    view: &StateView,
    reads: &Reads,
    changes: Changes,
) -> Result<ExecutionWitness, StoreError> {
    let mut touched: BTreeMap<Address, BTreeSet<B256>> = reads.slots.clone();
    for (address, change) in &changes.accounts {
        let slots = touched.entry(*address).or_default();
        slots.extend(change.storage.iter().map(|(key, _)| *key));
    }
    let trunk = inner.trunk(view)?;
    let mut nodes = BTreeSet::new();
    let mut keys = Vec::with_capacity(touched.len());
    for (address, slots) in touched {
        keys.push(Bytes::copy_from_slice(address.as_slice()));
        keys.extend(
            slots
                .iter()
                .map(|slot| Bytes::copy_from_slice(slot.as_slice())),
        );
        let key = ProofKey {
            address,
            slots: slots.into_iter().collect(),
        };
        view.nodes_of(&trunk, &key, &mut nodes)?;
    }
    let visited = Mutex::new(BTreeSet::new());
    let visit = |rlp: &[u8]| {
        visited.lock().insert(Bytes::copy_from_slice(rlp));
    };
    inner.prepare(view, deletions(view, &changes)?, Some(&visit))?;
    inner.prepare(view, changes, Some(&visit))?;
    nodes.extend(visited.into_inner());
    Ok(ExecutionWitness {
        state: nodes.into_iter().collect(),
        codes: reads.codes.values().cloned().collect(),
        headers: headers(inner, view, reads.oldest_block)?,
        keys,
    })
}

/// The part of the changes that removes keys.
fn deletions(view: &StateView, changes: &Changes) -> Result<Changes, StoreError> {
    let mut only = Changes::default();
    for (address, change) in &changes.accounts {
        let mut change = change.clone();
        if change.account.is_some() {
            change.account = view.account(*address)?;
            change.storage.retain(|(_, value)| value.is_zero());
            if change.account.is_none() || change.storage.is_empty() {
                continue;
            }
        }
        only.accounts.push((*address, change));
    }
    Ok(only)
}

/// The parent's header, and those down to the oldest whose hash was read.
fn headers(
    inner: &Arc<Inner>,
    view: &StateView,
    oldest: Option<u64>,
) -> Result<Vec<Bytes>, StoreError> {
    let mut headers = Vec::new();
    let oldest = oldest.unwrap_or(view.block.number);
    let mut hash = view.block.hash;
    for _ in oldest..=view.block.number {
        let header: Header = chain::header(inner, BlockId::Hash(hash))?
            .ok_or_else(|| StoreError::corrupt(format!("the header of {hash} is missing")))?;
        hash = header.parent_hash;
        let mut rlp = Vec::with_capacity(640);
        header.encode(&mut rlp);
        headers.push(rlp.into());
    }
    Ok(headers)
}
