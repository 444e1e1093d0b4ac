//! The JSON-RPC of celestia-node.

mod blobs;
mod grpc;
mod headers;
mod server;
mod shares;
mod subscriptions;

pub(crate) use server::Server;

use super::{
    faults::{Fault, Lie},
    node::Node,
    store::Block,
};
use crate::CelestiaError;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{future::pending, sync::Arc};

/// An error as the node answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl RpcError {
    /// What celestia-node answers with for everything that its methods report.
    pub(crate) fn text(message: impl Into<String>) -> Self {
        Self {
            code: 1,
            message: message.into(),
        }
    }

    fn params(message: impl std::fmt::Display) -> Self {
        Self {
            code: -32602,
            message: message.to_string(),
        }
    }

    fn unknown(method: &str) -> Self {
        Self {
            code: -32601,
            message: format!("method '{method}' not found"),
        }
    }
}

impl From<CelestiaError> for RpcError {
    fn from(error: CelestiaError) -> Self {
        Self::text(error.to_string())
    }
}

pub(crate) type Answer = Result<Value, RpcError>;

/// Parameters by position.
pub(crate) struct Params(Vec<Value>);

impl Params {
    pub(crate) fn new(value: Value) -> Result<Self, RpcError> {
        match value {
            Value::Null => Ok(Self(Vec::new())),
            Value::Array(values) => Ok(Self(values)),
            _ => Err(RpcError::params("parameters must be an array")),
        }
    }

    pub(crate) fn get<T: DeserializeOwned>(&mut self, at: usize) -> Result<T, RpcError> {
        let value = self.0.get_mut(at).map(Value::take).unwrap_or_default();
        serde_json::from_value(value)
            .map_err(|error| RpcError::params(format!("parameter {at}: {error}")))
    }
}

pub(crate) fn json(value: impl Serialize) -> Answer {
    serde_json::to_value(value).map_err(|error| RpcError::text(error.to_string()))
}

/// Methods that need a token for writing.
pub(crate) fn is_write(method: &str) -> bool {
    matches!(method, "blob.Submit" | "state.SubmitPayForBlob")
}

impl Node {
    /// Answers a call. Never returns where a fault swallows it.
    pub(crate) async fn call(
        self: &Arc<Self>,
        method: &str,
        params: Value,
        fault: Option<Fault>,
    ) -> Answer {
        match &fault {
            Some(Fault::Latency(time)) => self.clock.sleep(*time).await,
            Some(Fault::Error(text)) => return Err(RpcError::text(text)),
            Some(Fault::Hang | Fault::LostBeforeMempool) => pending::<()>().await,
            _ => {}
        }
        let mut params = Params::new(params)?;
        match method.split_once('.') {
            Some(("blob", name)) => self.blob_call(name, &mut params, fault.as_ref()).await,
            Some(("header", name)) => self.header_call(name, &mut params).await,
            Some(("share", name)) => self.share_call(name, &mut params).await,
            Some(("blobstream", name)) => self.blobstream_call(name, &mut params).await,
            Some(("state", name)) => self.state_call(name, &mut params, fault.as_ref()).await,
            _ => Err(RpcError::unknown(method)),
        }
    }

    /// Waits for a height by celestia-node's rules: the next one is waited
    /// for, one further ahead and one below the tail are refused.
    async fn reach(&self, height: u64) -> Result<(), RpcError> {
        if height == 0 {
            return Err(RpcError::text("height is equal to 0"));
        }
        let tail = self.tail();
        if height < tail {
            return Err(RpcError::text(format!(
                "requested header ({height}) is below Tail ({tail})"
            )));
        }
        let mut heads = self.heads();
        let head = *heads.borrow_and_update();
        if height > head.saturating_add(1) {
            return Err(RpcError::text(format!(
                "header: given height is from the future: networkHeight: {head}, requestedHeight: {height}"
            )));
        }
        if heads.wait_for(|head| *head >= height).await.is_err() {
            return Err(RpcError::text("the node stops"));
        }
        Ok(())
    }

    /// The block at a height that was reached. A dishonest node may give the
    /// one below.
    async fn served(self: &Arc<Self>, height: u64) -> Result<Arc<Block>, RpcError> {
        self.reach(height).await?;
        let height = match self.faults.lie() {
            Some(Lie::OtherHeight) if height > self.tail() => height - 1,
            _ => height,
        };
        self.stored(height).await
    }

    async fn stored(self: &Arc<Self>, height: u64) -> Result<Arc<Block>, RpcError> {
        let node = Arc::clone(self);
        let block = tokio::task::spawn_blocking(move || node.block(height))
            .await
            .map_err(|error| RpcError::text(error.to_string()))??;
        block.ok_or_else(|| RpcError::text("header: not found"))
    }
}
