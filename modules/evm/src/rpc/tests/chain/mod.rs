//! A chain in memory, a node that seals when it is told to, and its methods.

mod contracts;
mod node;
mod transactions;

pub(super) use contracts::*;
pub(super) use node::{COINBASE, FakeNode};
pub(super) use transactions::*;

use crate::{
    genesis::Genesis,
    rpc::{EthConfig, eth_module},
};
use jsonrpsee::Methods;
use serde_json::{Value, json};
use std::sync::Arc;

/// A node and its methods.
pub(in crate::rpc::tests) struct Rpc {
    pub(in crate::rpc::tests) node: FakeNode,
    pub(in crate::rpc::tests) methods: Methods,
}

impl Rpc {
    pub(in crate::rpc::tests) fn new() -> Self {
        Self::with(EthConfig::default())
    }

    pub(in crate::rpc::tests) fn with(config: EthConfig) -> Self {
        Self::of(genesis(), config)
    }

    pub(in crate::rpc::tests) fn of(genesis: Genesis, config: EthConfig) -> Self {
        Self::over(FakeNode::on(genesis), config)
    }

    pub(in crate::rpc::tests) fn over(node: FakeNode, config: EthConfig) -> Self {
        let methods = eth_module(&node.engine, Arc::new(node.clone()), config).unwrap();
        Self { node, methods }
    }

    /// The whole answer, `result` or `error`.
    pub(in crate::rpc::tests) async fn raw(&self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (answer, _) = self
            .methods
            .raw_json_request(&request.to_string(), 16)
            .await
            .unwrap();
        serde_json::from_str(answer.get()).unwrap()
    }

    /// The result of a call that must succeed.
    pub(in crate::rpc::tests) async fn ok(&self, method: &str, params: Value) -> Value {
        let mut answer = self.raw(method, &params).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    /// The error of a call that must fail.
    pub(in crate::rpc::tests) async fn error(&self, method: &str, params: Value) -> Value {
        let mut answer = self.raw(method, &params).await;
        assert!(
            answer.get("result").is_none(),
            "{method} {params}: {answer}"
        );
        answer["error"].take()
    }
}

/// `0x…` without leading zeros.
pub(in crate::rpc::tests) fn quantity(number: impl Into<u128>) -> Value {
    Value::String(format!("{:#x}", number.into()))
}
