use super::error::{Answer, EthError};
use alloy_eips::{eip2930::AccessList, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::Deserialize;

/// A transaction to be: the first parameter of `eth_call`,
/// `eth_estimateGas` and `eth_sendTransaction`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CallRequest {
    pub(crate) from: Option<Address>,
    pub(crate) to: Option<Address>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) gas: Option<u64>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) gas_price: Option<u128>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) max_fee_per_gas: Option<u128>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) max_priority_fee_per_gas: Option<u128>,
    pub(crate) value: Option<U256>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) nonce: Option<u64>,
    input: Option<Bytes>,
    data: Option<Bytes>,
    pub(crate) access_list: Option<AccessList>,
    pub(crate) authorization_list: Option<Vec<SignedAuthorization>>,
    #[serde(with = "alloy_serde::quantity::opt")]
    pub(crate) chain_id: Option<u64>,
    blob_versioned_hashes: Option<Vec<B256>>,
}

impl CallRequest {
    /// Checks what can be checked without a chain, in geth's words.
    pub(crate) fn check(&self, chain_id: u64) -> Answer<()> {
        if let (Some(input), Some(data)) = (&self.input, &self.data)
            && input != data
        {
            return Err(EthError::params(
                r#"both "data" and "input" are set and not equal. Please use "input" to pass transaction call data"#,
            ));
        }
        if self.gas_price.is_some()
            && (self.max_fee_per_gas.is_some() || self.max_priority_fee_per_gas.is_some())
        {
            return Err(EthError::params(
                "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
            ));
        }
        if let (Some(cap), Some(tip)) = (self.max_fee_per_gas, self.max_priority_fee_per_gas)
            && tip > cap
        {
            return Err(EthError::params(format!(
                "maxFeePerGas ({cap}) < maxPriorityFeePerGas ({tip})"
            )));
        }
        if let Some(other) = self.chain_id
            && other != chain_id
        {
            return Err(EthError::params(format!(
                "chainId does not match node's (have={other}, want={chain_id})"
            )));
        }
        // `type` is ignored, as in geth: the fields decide.
        if self.blob_versioned_hashes.is_some() {
            return Err(EthError::params(
                "blob transactions are not supported on a rollup",
            ));
        }
        Ok(())
    }

    /// Calldata, by either name.
    pub(crate) fn calldata(&self) -> Bytes {
        self.input
            .as_ref()
            .or(self.data.as_ref())
            .cloned()
            .unwrap_or_default()
    }
}
