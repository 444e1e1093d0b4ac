//! `eth_capabilities`: which blocks and states the node can answer about.

use crate::{
    rpc::{
        api::EthApi,
        args::Args,
        error::{Answer, EthError},
    },
    store::History,
};
use alloy_primitives::{B256, U64};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use rollwright_core::BlockId as StoredId;
use serde::Serialize;
use std::sync::Arc;

/// The answer of `eth_capabilities` (ethereum/execution-apis).
#[derive(Clone, Debug, Serialize)]
struct Capabilities {
    head: Head,
    state: Resource,
    tx: Resource,
    logs: Resource,
    receipts: Resource,
    blocks: Resource,
    stateproofs: Resource,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Head {
    number: U64,
    hash: B256,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    disabled: bool,
    oldest_block: U64,
    /// Absent where nothing is ever deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    delete_strategy: Option<DeleteStrategy>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum DeleteStrategy {
    #[serde(rename_all = "camelCase")]
    Window { retention_blocks: u64 },
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_method("eth_capabilities", |params, api, _| {
        Args::new(&params).end()?;
        capabilities(api)
    })?;
    Ok(())
}

fn capabilities(api: &EthApi) -> Answer<Capabilities> {
    let latest = api.heads()?.latest;
    let blocks = Resource {
        disabled: false,
        oldest_block: U64::from(oldest_block(api, latest.number)?),
        delete_strategy: None,
    };
    let state = Resource {
        disabled: false,
        oldest_block: U64::from(api.store.oldest_state()?),
        delete_strategy: match api.store.history() {
            History::Archive => None,
            History::Last(retention_blocks) => Some(DeleteStrategy::Window { retention_blocks }),
        },
    };
    Ok(Capabilities {
        head: Head {
            number: U64::from(latest.number),
            hash: latest.hash,
        },
        state,
        tx: blocks,
        logs: blocks,
        receipts: blocks,
        blocks,
        // A proof is made from the state of its block.
        stateproofs: state,
    })
}

/// The first of the blocks without a gap up to the head: 0, or where the
/// imported snapshot begins.
fn oldest_block(api: &EthApi, head: u64) -> Answer<u64> {
    let known =
        |number| -> Answer<bool> { Ok(api.store.header(StoredId::Number(number))?.is_some()) };
    if known(head.min(1))? {
        return Ok(0);
    }
    let (mut missing, mut present) = (0, head);
    while present - missing > 1 {
        let middle = missing + (present - missing) / 2;
        match known(middle)? {
            true => present = middle,
            false => missing = middle,
        }
    }
    if !known(present)? {
        return Err(EthError::HeaderNotFound);
    }
    Ok(present)
}
