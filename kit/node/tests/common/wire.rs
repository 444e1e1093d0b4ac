//! Feeds over pipes in memory, so that virtual time governs them, too.

use axum::{Router, serve::Listener};
use futures_util::{SinkExt, StreamExt, future::BoxFuture};
use rollwright_node::{FeedConnector, FeedFrame, FeedIo, NodeHandle};
use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex},
};
use tokio::{
    io::DuplexStream,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

/// Bytes that a pipe holds.
const PIPE: usize = 4_096;

/// Hosts by name, reached through pipes.
#[derive(Clone, Default)]
pub struct Wires(Arc<Mutex<BTreeMap<String, UnboundedSender<DuplexStream>>>>);

impl fmt::Debug for Wires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wires")
    }
}

pub struct Accepting(UnboundedReceiver<DuplexStream>);

impl Listener for Accepting {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Wires {
    /// Takes a name; connections to it arrive at the result.
    pub fn listen(&self, host: &str) -> UnboundedReceiver<DuplexStream> {
        let (sender, receiver) = unbounded_channel();
        self.0.lock().unwrap().insert(host.to_owned(), sender);
        receiver
    }

    /// Serves a node's feed under a name; returns its address.
    pub fn serve(&self, host: &str, node: &NodeHandle) -> String {
        let listener = Accepting(self.listen(host));
        let router = Router::new().nest("/feed", node.feed_router());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url(host)
    }

    fn open(&self, url: &str) -> Result<DuplexStream, Error> {
        let host = url
            .strip_prefix("ws://")
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default();
        let refused = || Error::Io(io::ErrorKind::ConnectionRefused.into());
        let wires = self.0.lock().unwrap();
        let sender = wires.get(host).ok_or_else(refused)?;
        let (near, far) = tokio::io::duplex(PIPE);
        sender.send(far).map_err(|_| refused())?;
        Ok(near)
    }

    /// A raw subscriber.
    pub async fn subscribe(
        &self,
        host: &str,
        from: u64,
    ) -> Result<WebSocketStream<DuplexStream>, Error> {
        let url = format!("{}?from={from}", url(host));
        let stream = self.open(&url)?;
        Ok(client_async(url, stream).await?.0)
    }
}

impl FeedConnector for Wires {
    fn connect(&self, url: &str) -> BoxFuture<'static, Result<Box<dyn FeedIo>, Error>> {
        let opened = self.open(url);
        Box::pin(async move { Ok(Box::new(opened?) as Box<dyn FeedIo>) })
    }
}

pub fn url(host: &str) -> String {
    format!("ws://{host}/feed")
}

/// The next message of a feed; `None` once it is closed.
pub async fn frame(socket: &mut WebSocketStream<DuplexStream>) -> Option<FeedFrame> {
    loop {
        match socket.next().await? {
            Ok(Message::Binary(bytes)) => return FeedFrame::decode(&bytes),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

/// What a server of evil intent does with one connection.
pub enum Act {
    /// Sends these messages and waits.
    Say(Vec<Message>),
    /// Accepts and never says anything, not even HTTP.
    Hang,
    /// Bytes that are no HTTP.
    Noise,
    /// Closes at once.
    Drop,
}

/// Serves one act per connection, and after the last one nobody.
pub fn act(wires: &Wires, host: &str, acts: Vec<Act>) -> Arc<Mutex<usize>> {
    let mut connections = wires.listen(host);
    let met = Arc::new(Mutex::new(0));
    let count = met.clone();
    tokio::spawn(async move {
        for act in acts {
            let Some(mut stream) = connections.recv().await else {
                return;
            };
            *count.lock().unwrap() += 1;
            tokio::spawn(async move {
                match act {
                    Act::Drop => {}
                    Act::Hang => {
                        std::future::pending::<()>().await;
                        drop(stream);
                    }
                    Act::Noise => {
                        use tokio::io::AsyncWriteExt;
                        let _ = stream.write_all(&[0xfe; 2_000]).await;
                    }
                    Act::Say(messages) => {
                        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                            return;
                        };
                        for message in messages {
                            if socket.send(message).await.is_err() {
                                return;
                            }
                        }
                        while let Some(Ok(_)) = socket.next().await {}
                    }
                }
            });
        }
    });
    met
}

pub fn binary(frame: &FeedFrame) -> Message {
    Message::Binary(frame.encode().0)
}
