//! Feeds between the nodes of a run: the node's own server and client, over
//! streams in memory instead of TCP.

use crate::{Life, Trace};
use axum::{Router, serve::Listener};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rollwright_node::{FeedConnector, FeedIo, NodeHandle};
use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    sync::mpsc,
};
use tokio_tungstenite::tungstenite::Error;

/// Bytes on their way between two nodes.
const IN_FLIGHT: usize = 1 << 16;

/// The feeds that are served now, by node.
#[derive(Clone, Debug)]
pub struct Feeds {
    served: Arc<Mutex<BTreeMap<String, Served>>>,
    trace: Trace,
}

#[derive(Debug)]
struct Served {
    life: Life,
    accept: mpsc::UnboundedSender<Cut>,
}

impl Feeds {
    /// No feeds yet.
    pub fn new(trace: Trace) -> Self {
        Self {
            served: Arc::default(),
            trace,
        }
    }

    /// Where a node's feed is found.
    pub fn url(node: usize) -> String {
        format!("ws://node{node}:80/feed")
    }

    /// Serves the feed of a process of a node until it dies.
    pub fn serve(&self, node: usize, life: &Life, handle: &NodeHandle) {
        let (accept, streams) = mpsc::unbounded_channel();
        let router = Router::new().nest("/feed", handle.feed_router());
        let serving = life.guard(async move {
            // It ends with its process alone.
            let _ = axum::serve(Streams(streams), router).await;
        });
        tokio::spawn(serving);
        let served = Served {
            life: life.clone(),
            accept,
        };
        self.served.lock().insert(Self::url(node), served);
    }

    fn open(&self, url: &str) -> Result<Box<dyn FeedIo>, Error> {
        let refused = || Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
        let served = self.served.lock();
        let served = served
            .get(url)
            .filter(|served| !served.life.is_dead())
            .ok_or_else(refused)?;
        let (ours, theirs) = tokio::io::duplex(IN_FLIGHT);
        let theirs = Cut {
            stream: theirs,
            life: served.life.clone(),
        };
        served.accept.send(theirs).map_err(|_| refused())?;
        Ok(Box::new(ours))
    }
}

impl FeedConnector for Feeds {
    fn connect(&self, url: &str) -> BoxFuture<'static, Result<Box<dyn FeedIo>, Error>> {
        let opened = self.open(url);
        if opened.is_ok() {
            self.trace.count("opened feed");
        }
        let outcome = if opened.is_ok() { "opened" } else { "refused" };
        self.trace.say("feed", &format_args!("{url} {outcome}"));
        Box::pin(std::future::ready(opened))
    }
}

#[derive(Debug)]
struct Streams(mpsc::UnboundedReceiver<Cut>);

impl Listener for Streams {
    type Io = Cut;
    type Addr = ();

    async fn accept(&mut self) -> (Cut, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The server's end of a stream: cut when its process dies.
#[derive(Debug)]
struct Cut {
    stream: DuplexStream,
    life: Life,
}

impl Cut {
    fn stream(&mut self) -> io::Result<Pin<&mut DuplexStream>> {
        if self.life.is_dead() {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Cut {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
