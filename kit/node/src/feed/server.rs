use super::{FeedConfig, FeedFrame, FeedGoodbye, FeedHello, SignedBlock};
use crate::NodeError;
use alloy_primitives::{B256, Bytes};
use axum::{
    Router,
    extract::{
        Query, State,
        ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use rollwright_core::{BlockRef, Clock};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;

/// Longest message that a subscriber may send; it has nothing to say.
const MAX_REQUEST_BYTES: usize = 1_024;

/// Where the server finds blocks that were made before a subscriber came.
pub(crate) trait FeedSource: Send + Sync + 'static {
    /// The chain's latest block.
    fn latest(&self) -> BlockRef;

    /// A canonical block with its signature; `None` if it is not kept.
    fn signed(&self, number: u64) -> Result<Option<SignedBlock>, NodeError>;

    /// The first number above this one whose block is kept.
    fn next_kept(&self, number: u64) -> u64;
}

/// Sends signed blocks to all subscribers.
pub(crate) struct FeedHub {
    chain: (u64, B256),
    config: FeedConfig,
    source: Arc<dyn FeedSource>,
    clock: Arc<dyn Clock>,
    live: broadcast::Sender<Sent>,
    subscribers: AtomicUsize,
    stop: CancellationToken,
}

/// An encoded frame and which block it holds.
#[derive(Clone)]
struct Sent {
    block: BlockRef,
    bytes: Bytes,
}

#[derive(serde::Deserialize)]
struct Request {
    from: Option<u64>,
}

impl FeedHub {
    pub(crate) fn new(
        chain: (u64, B256),
        config: FeedConfig,
        source: Arc<dyn FeedSource>,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (live, _) = broadcast::channel(config.buffer_blocks.max(1));
        Arc::new(Self {
            chain,
            config,
            source,
            clock,
            live,
            subscribers: AtomicUsize::new(0),
            stop,
        })
    }

    /// Sends a block to whoever listens. Never waits.
    pub(crate) fn publish(&self, block: &SignedBlock) {
        if self.live.receiver_count() == 0 {
            return;
        }
        let sent = Sent {
            block: block.block(),
            bytes: FeedFrame::Block(Box::new(block.clone())).encode(),
        };
        // Nobody listens any more: nothing is lost, blocks are in the store.
        let _ = self.live.send(sent);
    }

    /// The route `/`, to be nested under `/feed`; `?from=N` asks for the
    /// blocks from `N` on.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/", get(subscribe))
            .with_state(self.clone())
    }

    async fn serve(self: Arc<Self>, mut socket: WebSocket, from: Option<u64>) {
        let goodbye = match self.send_all(&mut socket, from).await {
            ControlFlow::Break(goodbye) => goodbye,
            ControlFlow::Continue(()) => None,
        };
        self.subscribers.fetch_sub(1, Ordering::Relaxed);
        let Some(goodbye) = goodbye else { return };
        let reason = match goodbye {
            FeedGoodbye::TooOld { .. } => "the block is not kept",
            FeedGoodbye::TooSlow => "reading too slowly",
            FeedGoodbye::Stopping => "the node stops",
        };
        tracing::debug!(target: "feed", reason, "subscriber dropped");
        let farewell = async {
            let frame = FeedFrame::Goodbye(goodbye).encode();
            let _ = socket.send(Message::Binary(frame.0)).await;
            let close = CloseFrame {
                code: close_code::AWAY,
                reason: reason.into(),
            };
            let _ = socket.send(Message::Close(Some(close))).await;
        };
        tokio::select! {
            biased;
            () = farewell => {}
            () = self.clock.sleep(self.config.ping) => {}
        }
    }

    async fn send_all(
        &self,
        socket: &mut WebSocket,
        from: Option<u64>,
    ) -> ControlFlow<Option<FeedGoodbye>> {
        let latest = self.source.latest();
        let hello = FeedFrame::Hello(FeedHello {
            chain_id: self.chain.0,
            rollup_id: self.chain.1,
            latest,
        });
        self.send(socket, hello.encode()).await?;
        let mut last = None;
        let mut next = from.unwrap_or(latest.number.saturating_add(1));
        let near = (self.config.buffer_blocks / 2) as u64;
        let mut live = loop {
            // Before history is read, so that nothing falls between the two.
            let live = self.live.subscribe();
            let up_to = self.source.latest().number;
            // What comes meanwhile must fit into the buffer: a long history is
            // not sent beside it.
            let is_near = up_to.saturating_sub(next) <= near;
            if let Some(sent) = self.send_history(socket, next, up_to).await? {
                last = Some(sent);
            }
            next = next.max(up_to.saturating_add(1));
            if is_near {
                break live;
            }
        };
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => {
                    return ControlFlow::Break(Some(FeedGoodbye::Stopping));
                }
                message = socket.recv() => match message {
                    Some(Ok(Message::Close(_)) | Err(_)) | None => {
                        return ControlFlow::Break(None);
                    }
                    Some(Ok(_)) => {}
                },
                sent = live.recv() => match sent {
                    Ok(sent) if Some(sent.block) == last => {}
                    Ok(sent) => {
                        last = Some(sent.block);
                        self.send(socket, sent.bytes).await?;
                    }
                    Err(RecvError::Lagged(_)) => {
                        return ControlFlow::Break(Some(FeedGoodbye::TooSlow));
                    }
                    Err(RecvError::Closed) => {
                        return ControlFlow::Break(Some(FeedGoodbye::Stopping));
                    }
                },
                () = self.clock.sleep(self.config.ping) => {
                    if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                        return ControlFlow::Break(None);
                    }
                }
            }
        }
    }

    /// Sends the canonical blocks of a range; returns the last one.
    async fn send_history(
        &self,
        socket: &mut WebSocket,
        from: u64,
        up_to: u64,
    ) -> ControlFlow<Option<FeedGoodbye>, Option<BlockRef>> {
        let mut last = None;
        for number in from..=up_to {
            if self.stop.is_cancelled() {
                return ControlFlow::Break(Some(FeedGoodbye::Stopping));
            }
            match self.source.signed(number) {
                Ok(Some(block)) => {
                    last = Some(block.block());
                    self.send(socket, FeedFrame::Block(Box::new(block)).encode())
                        .await?;
                }
                // The chain has become shorter meanwhile.
                Ok(None) if number > self.source.latest().number => break,
                Ok(None) => {
                    let first = self.source.next_kept(number);
                    return ControlFlow::Break(Some(FeedGoodbye::TooOld { first }));
                }
                Err(error) => {
                    tracing::warn!(target: "feed", %error, number, "reading history failed");
                    return ControlFlow::Break(None);
                }
            }
        }
        ControlFlow::Continue(last)
    }

    /// Sends one frame; whoever does not take it in three ping times is slow.
    async fn send(&self, socket: &mut WebSocket, bytes: Bytes) -> ControlFlow<Option<FeedGoodbye>> {
        tokio::select! {
            biased;
            sent = socket.send(Message::Binary(bytes.0)) => match sent {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(None),
            },
            () = self.clock.sleep(self.config.ping * 3) => {
                ControlFlow::Break(Some(FeedGoodbye::TooSlow))
            }
        }
    }
}

async fn subscribe(
    State(hub): State<Arc<FeedHub>>,
    Query(request): Query<Request>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if hub.subscribers.fetch_add(1, Ordering::Relaxed) >= hub.config.max_subscribers {
        hub.subscribers.fetch_sub(1, Ordering::Relaxed);
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            "the feed has no room for more subscribers\n",
        )
            .into_response();
    }
    let failed = hub.clone();
    upgrade
        .max_message_size(MAX_REQUEST_BYTES)
        .on_failed_upgrade(move |_| {
            failed.subscribers.fetch_sub(1, Ordering::Relaxed);
        })
        .on_upgrade(move |socket| hub.serve(socket, request.from))
}
