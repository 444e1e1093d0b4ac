//! Subscriptions: every height once, in order.

use super::{Answer, Params, RpcError, blobs, json};
use crate::devnet::node::Node;
use celestia_rpc::blob::BlobsAtHeight;
use celestia_types::nmt::Namespace;
use serde_json::{Value, json as object};
use std::sync::Arc;
use tokio::sync::mpsc;

/// What a subscriber is told of each block.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Topic {
    Headers,
    Blobs(Namespace),
}

impl Topic {
    /// The topic that a method subscribes to.
    pub(crate) fn of(method: &str, params: &Value) -> Option<Result<Self, RpcError>> {
        match method {
            "header.Subscribe" => Some(Ok(Self::Headers)),
            "blob.Subscribe" => Some(
                Params::new(params.clone()).and_then(|mut params| Ok(Self::Blobs(params.get(0)?))),
            ),
            _ => None,
        }
    }

    const fn method(self) -> &'static str {
        match self {
            Self::Headers => "header.Subscribe",
            Self::Blobs(_) => "blob.Subscribe",
        }
    }

    async fn item(self, node: &Arc<Node>, height: u64) -> Answer {
        match self {
            Self::Headers => json(node.header_at(height).await?),
            Self::Blobs(namespace) => {
                let block = node.stored(height).await?;
                let blobs = blobs::all(&block, namespace)?;
                json(BlobsAtHeight {
                    blobs: (!blobs.is_empty()).then_some(blobs),
                    height,
                })
            }
        }
    }
}

/// Sends what comes until the subscriber is gone. One that does not keep up is
/// dropped rather than fed with gaps.
pub(crate) async fn feed(node: Arc<Node>, topic: Topic, id: u64, sender: mpsc::Sender<String>) {
    let mut heads = node.heads();
    let mut next = *heads.borrow_and_update() + 1;
    loop {
        let Ok(head) = heads.wait_for(|head| *head >= next).await.map(|head| *head) else {
            return;
        };
        while next <= head {
            let Ok(item) = topic.item(&node, next).await else {
                return;
            };
            let message = object!({
                "jsonrpc": "2.0",
                "method": topic.method(),
                "params": { "subscription": id, "result": item },
            });
            if sender.try_send(message.to_string()).is_err() {
                return;
            }
            next += 1;
        }
    }
}
