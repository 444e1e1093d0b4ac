//! `eth_getStorageValues`: slots of many accounts in one request.

use crate::rpc::{
    api::EthApi,
    args::{Args, Slot},
    error::{Answer, EthError},
};
use alloy_eips::BlockId;
use alloy_primitives::{Address, B256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use std::{collections::BTreeMap, sync::Arc};

/// Most slots in one request, as in geth.
const MAX_SLOTS: usize = 1_024;

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_getStorageValues", |params, api, _| async move {
        let mut args = Args::new(&params);
        let asked = args.required::<BTreeMap<Address, Vec<Slot>>>()?;
        let block = args.block()?;
        args.end()?;
        check(&asked)?;
        api.heavy(move |api, _| values(api, &asked, block)).await
    })?;
    Ok(())
}

fn check(asked: &BTreeMap<Address, Vec<Slot>>) -> Answer<()> {
    match asked.values().map(Vec::len).sum() {
        0 => Err(EthError::params("empty request")),
        count if count > MAX_SLOTS => Err(EthError::params(format!(
            "too many slots (max {MAX_SLOTS})"
        ))),
        _ => Ok(()),
    }
}

/// Values in the order of the slots; zero where nothing was written.
fn values(
    api: &EthApi,
    asked: &BTreeMap<Address, Vec<Slot>>,
    block: BlockId,
) -> Answer<BTreeMap<Address, Vec<B256>>> {
    let state = api.state(block)?;
    asked
        .iter()
        .map(|(address, slots)| {
            let values = slots
                .iter()
                .map(|slot| Ok(state.slot(*address, slot.key)?.into()))
                .collect::<Answer<_>>()?;
            Ok((*address, values))
        })
        .collect()
}
