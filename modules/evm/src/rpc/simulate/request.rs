use crate::rpc::{args::Fields, request::CallRequest};
use alloy_eips::eip4895::Withdrawal;
use alloy_rpc_types_eth::{BlockOverrides, state::StateOverride};
use serde::Deserialize;

/// The first parameter.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    pub(super) block_state_calls: Vec<Fields<BlockCalls>>,
    #[serde(default)]
    pub(super) trace_transfers: bool,
    #[serde(default)]
    pub(super) validation: bool,
    #[serde(default)]
    pub(super) return_full_transactions: bool,
}

/// One block that is asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct BlockCalls {
    pub(super) block_overrides: Option<HeaderOverrides>,
    pub(super) state_overrides: Option<StateOverride>,
    pub(super) calls: Option<Vec<Fields<CallRequest>>>,
}

/// Block overrides with what only a simulation knows.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct HeaderOverrides {
    #[serde(flatten)]
    pub(super) common: BlockOverrides,
    pub(super) withdrawals: Option<Vec<Withdrawal>>,
}
