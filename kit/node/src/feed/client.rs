use super::{FeedConfig, FeedConnector, FeedFrame, FeedGoodbye, FeedHello, FeedIo, SignedBlock};
use crate::NodeError;
use alloy_primitives::B256;
use futures_util::StreamExt;
use rollwright_core::Clock;
use std::sync::Arc;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// One connection to a feed.
pub(crate) struct FeedClient {
    url: String,
    socket: WebSocketStream<Box<dyn FeedIo>>,
    clock: Arc<dyn Clock>,
    silence: std::time::Duration,
}

/// What a feed says.
#[derive(Debug)]
pub(crate) enum FeedMessage {
    /// A block. Its signature is not checked yet.
    Block(Box<SignedBlock>),
    /// The peer closes.
    Goodbye(FeedGoodbye),
}

impl FeedClient {
    /// Connects, asks for the blocks from `from` on, and checks that the peer
    /// serves this chain.
    pub(crate) async fn connect(
        url: &str,
        from: u64,
        chain: (u64, B256),
        config: &FeedConfig,
        clock: Arc<dyn Clock>,
        connector: &dyn FeedConnector,
    ) -> Result<(Self, FeedHello), NodeError> {
        let hint = path_hint(url);
        let failed = |reason: String| NodeError::Feed {
            url: url.to_owned(),
            reason: format!("{reason}{hint}"),
        };
        if url.starts_with("wss:") {
            return Err(failed(
                "TLS is not spoken here: use ws:// behind a proxy".into(),
            ));
        }
        let limits = WebSocketConfig::default()
            .max_message_size(Some(config.max_frame_bytes))
            .max_frame_size(Some(config.max_frame_bytes));
        let silence = config.ping * 3;
        let address = format!("{url}?from={from}");
        let connect = async {
            let stream = connector.connect(url).await?;
            tokio_tungstenite::client_async_with_config(address, stream, Some(limits)).await
        };
        let (socket, _) = tokio::select! {
            biased;
            connected = connect => connected.map_err(|error| failed(error.to_string()))?,
            () = clock.sleep(silence) => return Err(failed("no answer".into())),
        };
        let mut client = Self {
            url: url.to_owned(),
            socket,
            clock,
            silence,
        };
        let first = client.frame().await.map_err(|error| match error {
            NodeError::Feed { reason, .. } => failed(reason),
            other => other,
        })?;
        let FeedFrame::Hello(hello) = first else {
            return Err(failed("the first message is no greeting".into()));
        };
        if (hello.chain_id, hello.rollup_id) != chain {
            return Err(failed(format!(
                "it serves chain {} with genesis {}, not {} with {}",
                hello.chain_id, hello.rollup_id, chain.0, chain.1
            )));
        }
        Ok((client, hello))
    }

    /// The next message. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<FeedMessage, NodeError> {
        match self.frame().await? {
            FeedFrame::Block(block) => Ok(FeedMessage::Block(block)),
            FeedFrame::Goodbye(goodbye) => Ok(FeedMessage::Goodbye(goodbye)),
            FeedFrame::Hello(_) => Err(self.failed("a second greeting".into())),
        }
    }

    async fn frame(&mut self) -> Result<FeedFrame, NodeError> {
        loop {
            let message = tokio::select! {
                biased;
                message = self.socket.next() => message,
                () = self.clock.sleep(self.silence) => {
                    return Err(self.failed("silent for too long".into()));
                }
            };
            match message {
                Some(Ok(Message::Binary(bytes))) => {
                    return FeedFrame::decode(&bytes).ok_or_else(|| {
                        self.failed("a message that is none of this version".into())
                    });
                }
                Some(Ok(Message::Close(frame))) => {
                    let reason = frame.map(|frame| frame.reason.to_string());
                    return Err(self.failed(format!("closed: {}", reason.unwrap_or_default())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.failed(error.to_string())),
                None => return Err(self.failed("closed".into())),
            }
        }
    }

    fn failed(&self, reason: String) -> NodeError {
        NodeError::Feed {
            url: self.url.clone(),
            reason,
        }
    }
}

/// What to try where a peer's address lacks the feed's path.
pub(super) fn path_hint(url: &str) -> &'static str {
    if url.trim_end_matches('/').ends_with("/feed") {
        ""
    } else {
        " (help: nodes serve the feed under the path /feed: ws://host:port/feed)"
    }
}
