//! From a request to the transaction whose type its fields call for.

use super::{
    error::{Answer, EthError},
    request::CallRequest,
};
use alloy_consensus::{TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy, TypedTransaction};
use alloy_primitives::{Signature, TxKind, U256};
use revm::{context::TxEnv, context_interface::either::Either};

/// What stands where a request says nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) chain_id: u64,
    pub(crate) nonce: u64,
    pub(crate) gas: u64,
    pub(crate) max_fee_per_gas: u128,
    pub(crate) max_priority_fee_per_gas: u128,
}

/// The transaction. Nonce and gas are those of `defaults`: whoever fills them
/// in has looked at the request first.
pub(crate) fn typed(request: &CallRequest, defaults: &Defaults) -> Answer<TypedTransaction> {
    let Defaults {
        chain_id,
        nonce,
        gas: gas_limit,
        ..
    } = *defaults;
    let to = request.to.map_or(TxKind::Create, TxKind::Call);
    let value = request.value.unwrap_or_default();
    let input = request.calldata();
    let access_list = request.access_list.clone();
    if let Some(gas_price) = request.gas_price {
        return Ok(match access_list {
            None => TxLegacy {
                chain_id: Some(chain_id),
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                input,
            }
            .into(),
            Some(access_list) => TxEip2930 {
                chain_id,
                nonce,
                gas_price,
                gas_limit,
                to,
                value,
                access_list,
                input,
            }
            .into(),
        });
    }
    let access_list = access_list.unwrap_or_default();
    let max_fee_per_gas = request.max_fee_per_gas.unwrap_or_else(|| {
        let tip = request.max_priority_fee_per_gas.unwrap_or_default();
        defaults.max_fee_per_gas.max(tip)
    });
    let max_priority_fee_per_gas = request
        .max_priority_fee_per_gas
        .unwrap_or_else(|| defaults.max_priority_fee_per_gas.min(max_fee_per_gas));
    if let Some(authorization_list) = request.authorization_list.clone() {
        let to = request
            .to
            .ok_or_else(|| EthError::params("a set-code transaction needs a \"to\""))?;
        return Ok(TxEip7702 {
            chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas,
            max_priority_fee_per_gas,
            to,
            value,
            access_list,
            authorization_list,
            input,
        }
        .into());
    }
    Ok(TxEip1559 {
        chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas,
        max_priority_fee_per_gas,
        to,
        value,
        access_list,
        input,
    }
    .into())
}

/// The transaction with a signature of zeros, and what revm executes for it.
pub(crate) fn unsigned(request: &CallRequest, defaults: &Defaults) -> Answer<(TxEnvelope, TxEnv)> {
    use alloy_consensus::Transaction as _;
    let typed = typed(request, defaults)?;
    let tx_type = typed.tx_type();
    let tx = TxEnv {
        tx_type: tx_type.into(),
        caller: request.from.unwrap_or_default(),
        gas_limit: typed.gas_limit(),
        gas_price: typed.max_fee_per_gas(),
        kind: typed.kind(),
        value: typed.value(),
        data: typed.input().clone(),
        nonce: typed.nonce(),
        chain_id: None,
        access_list: typed.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: typed.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: typed
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    };
    let nobody = Signature::new(U256::ZERO, U256::ZERO, false);
    Ok((typed.into_envelope(nobody), tx))
}
