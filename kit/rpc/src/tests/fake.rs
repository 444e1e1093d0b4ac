//! A node of three blocks, and a server around it on a free port.

use crate::{Methods, RpcModule, Server, ServerConfig};
use axum::{Router, routing::get};
use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};
use jsonrpsee::types::{ErrorObjectOwned, SubscriptionId};
use rollwright_core::{
    Address, Anchor, B256, BatchInfo, BlockId, BlockRecord, BlockRef, Bytes, DaHeight, DaOrdinal,
    DaPoint, Heads, NodeApi, NodeEvent, NodeStatus, PoolEntry, PoolStatus, Role, SubmitError,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{sync::oneshot, task::JoinHandle};

#[derive(Clone, Debug)]
pub(super) struct FakeNode {
    pub(super) status: Arc<Mutex<NodeStatus>>,
}

pub(super) fn block(number: u64) -> BlockRef {
    BlockRef {
        number,
        hash: B256::with_last_byte(0xb0 + u8::try_from(number).unwrap()),
    }
}

pub(super) fn heads() -> Heads {
    Heads {
        latest: block(2),
        safe: block(1),
        finalized: block(0),
    }
}

pub(super) fn anchor() -> Anchor {
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(17),
        hash: B256::with_last_byte(0xda),
    };
    Anchor::at(origin, DaOrdinal(7), B256::with_last_byte(0xd0), 1_700)
}

impl Default for FakeNode {
    fn default() -> Self {
        Self {
            status: Arc::new(Mutex::new(NodeStatus {
                role: Role::Sequencer,
                da_layer: "local".into(),
                da_network: "test".into(),
                unposted_blocks: 1,
                unposted_bytes: 100,
                settlement: "sovereign".into(),
                ..NodeStatus::alone("fake", 42_069, block(0).hash, heads())
            })),
        }
    }
}

impl NodeApi for FakeNode {
    fn heads(&self) -> Heads {
        heads()
    }

    fn submit(&self, _: Bytes) -> BoxFuture<'_, Result<B256, SubmitError>> {
        Box::pin(async { Err(SubmitError::NotAdmitting("fake".into())) })
    }

    fn pool_transaction(&self, _: &B256) -> Option<Bytes> {
        None
    }

    fn pool_content(&self, _: usize) -> Vec<PoolEntry> {
        Vec::new()
    }

    fn pool_nonce(&self, _: &Address) -> Option<u64> {
        None
    }

    fn pool_status(&self) -> PoolStatus {
        PoolStatus::default()
    }

    fn events(&self) -> BoxStream<'static, NodeEvent> {
        futures_util::stream::empty().boxed()
    }

    fn status(&self) -> NodeStatus {
        self.status.lock().unwrap().clone()
    }

    fn block(&self, id: BlockId) -> Option<BlockRecord> {
        let number = match id {
            BlockId::Number(number) => number,
            BlockId::Hash(hash) => (0..=2).find(|number| block(*number).hash == hash)?,
        };
        (number <= 2).then(|| BlockRecord {
            block: block(number),
            parent: block(number.saturating_sub(1)),
            timestamp: 1_700 + number,
            fee_recipient: Address::ZERO,
            state_root: B256::ZERO,
            gas_used: 0,
            anchor: (number > 0).then(anchor),
            forced_included: Vec::new(),
            forced: Vec::new(),
            transactions: Vec::new(),
            input_hash: B256::ZERO,
        })
    }

    fn batch_of(&self, number: u64) -> Option<BatchInfo> {
        (number == 1).then(|| BatchInfo {
            number: 0,
            id: B256::with_last_byte(0xba),
            first_block: 1,
            last_block: 1,
            bytes: 321,
            applied: Some(anchor().origin),
            ordinal: Some(DaOrdinal(7)),
            blobs: Vec::new(),
            fee: None,
            finalized: false,
        })
    }
}

/// `test_meet` (two at a time or never), `test_echo`, `test_async`, `test_panic`, `test_panicAsync`, `test_big`
/// (length of the answer) and the subscription `test_subscribe` that sends
/// as many numbers as asked.
pub(super) fn methods() -> Methods {
    type Answer<T> = Result<T, ErrorObjectOwned>;
    let mut module = RpcModule::new(());
    module
        .register_method("test_echo", |params, _, _| params.one::<String>())
        .unwrap();
    module
        .register_async_method("test_async", |params, _, _| async move {
            tokio::task::yield_now().await;
            params.one::<u64>()
        })
        .unwrap();
    let pair = Arc::new(tokio::sync::Barrier::new(2));
    module
        .register_async_method("test_meet", move |_, _, _| {
            let pair = Arc::clone(&pair);
            async move {
                pair.wait().await;
                Answer::Ok("met")
            }
        })
        .unwrap();
    module
        .register_method::<Answer<u8>, _>("test_panic", |_, _, _| panic!("on purpose"))
        .unwrap();
    module
        .register_async_method("test_panicAsync", |_, _, _| async {
            tokio::task::yield_now().await;
            if std::hint::black_box(true) {
                panic!("on purpose");
            }
            Answer::Ok(0_u8)
        })
        .unwrap();
    module
        .register_method("test_big", |params, _, _| {
            params.one::<usize>().map(|length| "x".repeat(length))
        })
        .unwrap();
    module
        .register_subscription(
            "test_subscribe",
            "test_subscription",
            "test_unsubscribe",
            |params, pending, _, _| async move {
                let count: u64 = params.one()?;
                let sink = pending.accept().await?;
                assert!(matches!(sink.subscription_id(), SubscriptionId::Str(_)));
                for number in 0..count {
                    let number = serde_json::value::to_raw_value(&number)?;
                    sink.send(number).await?;
                }
                sink.closed().await;
                Ok(())
            },
        )
        .unwrap();
    module.into()
}

pub(super) struct Running {
    pub(super) address: SocketAddr,
    pub(super) node: FakeNode,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), crate::RpcError>>,
}

pub(super) fn config() -> ServerConfig {
    ServerConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..ServerConfig::default()
    }
}

pub(super) async fn start(config: ServerConfig) -> Running {
    let node = FakeNode::default();
    let bound = Server::bind(config).await.unwrap();
    let address = bound.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let extra = Router::new().route("/feed", get(|| async { "feed" }));
    let api: Arc<dyn NodeApi> = Arc::new(node.clone());
    let task = tokio::spawn(bound.serve(methods(), api, extra, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        node,
        client: reqwest::Client::new(),
        stop: Some(stop),
        task,
    }
}

impl Running {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(super) fn post(&self, body: impl Into<reqwest::Body>) -> reqwest::RequestBuilder {
        self.client
            .post(self.url("/"))
            .header("content-type", "application/json")
            .body(body)
    }

    pub(super) async fn answer(&self, body: impl Into<reqwest::Body>) -> Value {
        self.post(body).send().await.unwrap().json().await.unwrap()
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Value {
        let body =
            serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        self.answer(body.to_string()).await
    }

    pub(super) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}
