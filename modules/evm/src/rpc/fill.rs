//! `eth_fillTransaction`: the transaction that a request would be, unsigned.

use super::{
    api::EthApi,
    args::Args,
    call::{self, Call},
    error::Answer,
    fees, reads,
    replay::Overrides,
    request::CallRequest,
    transaction::{Defaults, typed},
};
use crate::machine;
use alloy_consensus::{TxEnvelope, TypedTransaction};
use alloy_eips::{BlockNumberOrTag, eip2718::Encodable2718 as _};
use alloy_primitives::{Bytes, Signature, U256};
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde::Serialize;
use std::sync::Arc;

/// The answer: the encoding with a signature of zeros, and the fields.
#[derive(Clone, Debug, Serialize)]
struct Filled {
    raw: Bytes,
    tx: TxEnvelope,
}

pub(super) fn register(module: &mut RpcModule<Arc<EthApi>>) -> Result<(), RegisterMethodError> {
    module.register_async_method("eth_fillTransaction", |params, api, _| async move {
        let mut args = Args::new(&params);
        let request = args.required::<CallRequest>()?;
        args.end()?;
        let transaction = fill(&api, &request).await?;
        let nobody = Signature::new(U256::ZERO, U256::ZERO, false);
        let tx = transaction.into_envelope(nobody);
        Answer::Ok(Filled {
            raw: tx.encoded_2718().into(),
            tx,
        })
    })?;
    Ok(())
}

/// Fills in what the request leaves open: the next nonce with what waits, the
/// gas that it needs, the fees that are suggested.
pub(super) async fn fill(api: &Arc<EthApi>, request: &CallRequest) -> Answer<TypedTransaction> {
    request.check(api.chain.chain_id)?;
    let pending = BlockNumberOrTag::Pending.into();
    let from = request.from.unwrap_or_default();
    let nonce = match request.nonce {
        Some(nonce) => nonce,
        None => reads::nonce(api, from, pending)?,
    };
    let gas = match request.gas {
        Some(gas) => gas,
        None => {
            let call = Call {
                request: request.clone(),
                block: pending,
                overrides: Overrides::default(),
            };
            api.heavy(move |api, stop| call::estimate(api, &call, stop))
                .await?
        }
    };
    let tip = match request.max_priority_fee_per_gas {
        Some(tip) => tip,
        None => fees::priority_fee(api)?,
    };
    let base_fee = machine::next_base_fee(&api.latest_block()?.header);
    let defaults = Defaults {
        chain_id: api.chain.chain_id,
        nonce,
        gas,
        max_fee_per_gas: (u128::from(base_fee) * 2).saturating_add(tip),
        max_priority_fee_per_gas: tip,
    };
    typed(request, &defaults)
}
