//! Connections: how many at once, how long without progress, and what happens
//! when the system has none to give.

use crate::{front::Front, server::stopped};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    io,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    time::{Sleep, sleep},
};

/// How long a refused client may take to read the reason.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Refusals being written at once; past it connections are dropped.
const REFUSALS: usize = 64;

/// Pause after the system had no descriptor, or no memory, for a connection.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// Accepts up to a number of connections at a time; answers 503 to others.
#[derive(Debug)]
pub(crate) struct Bounded {
    listener: TcpListener,
    permits: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    max: usize,
    io_timeout: Duration,
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener, max: usize, io_timeout: Duration) -> Self {
        Self {
            listener,
            permits: Arc::new(Semaphore::new(max)),
            refusals: Arc::new(Semaphore::new(REFUSALS)),
            max,
            io_timeout,
        }
    }

    /// Serves until `stop` says so, then lets requests in flight finish.
    ///
    /// A client that does not send a whole request head within the time-out,
    /// be it slowly or not at all, is disconnected; so is one that does not
    /// take its answer.
    pub(crate) async fn serve(self, front: Arc<Front>, mut stop: watch::Receiver<bool>) {
        // Closes when the last connection has dropped its sender.
        let (open, mut closed) = mpsc::channel::<()>(1);
        let mut protocol = http1::Builder::new();
        protocol
            .timer(TokioTimer::new())
            .header_read_timeout(self.io_timeout);
        loop {
            let connection = tokio::select! {
                connection = self.accept() => connection,
                () = stopped(&mut stop) => break,
            };
            let front = Arc::clone(&front);
            let service = service_fn(move |request| Arc::clone(&front).answer(request));
            let served = protocol
                .serve_connection(TokioIo::new(connection), service)
                .with_upgrades();
            let (mut stop, open) = (stop.clone(), open.clone());
            tokio::spawn(async move {
                let mut served = pin!(served);
                let result = tokio::select! {
                    result = served.as_mut() => result,
                    () = stopped(&mut stop) => {
                        served.as_mut().graceful_shutdown();
                        served.await
                    }
                };
                if let Err(error) = result {
                    tracing::debug!(target: "rpc", %error, "a connection failed");
                }
                drop(open);
            });
        }
        drop((self.listener, open));
        let _ = closed.recv().await;
    }

    async fn accept(&self) -> Connection {
        let mut exhausted = false;
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => {
                    // Said once for as long as it lasts.
                    if !std::mem::replace(&mut exhausted, true) {
                        tracing::warn!(target: "rpc", %error, "no connection can be accepted; lower `rpc.max-connections` or raise the limit on open files");
                    }
                    sleep(EXHAUSTED_PAUSE).await;
                    continue;
                }
            };
            match Arc::clone(&self.permits).try_acquire_owned() {
                Ok(permit) => {
                    // Only latency is lost without it.
                    let _ = stream.set_nodelay(true);
                    return Connection {
                        stream,
                        // Whoever writes gives up first, and may say why.
                        patience: self.io_timeout * 2,
                        stalled: None,
                        _permit: permit,
                    };
                }
                Err(_) => self.refuse(stream),
            }
        }
    }

    fn refuse(&self, stream: TcpStream) {
        metrics::counter!("rollwright_rpc_refused_connections_total").increment(1);
        if let Ok(permit) = Arc::clone(&self.refusals).try_acquire_owned() {
            let max = self.max;
            tokio::spawn(async move {
                let _ = tokio::time::timeout(REFUSAL_TIMEOUT, refuse(stream, max)).await;
                drop(permit);
            });
        }
    }
}

/// True where the connection that failed is gone and the next may be fine.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

/// Reads the head of the request, so that closing does not reset the
/// connection before the answer is read.
async fn refuse(mut stream: TcpStream, max: usize) -> io::Result<()> {
    let _ = stream.read(&mut [0; 4096]).await?;
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":null,"error":{{"code":-32005,"message":"too many connections: the limit is {max}"}}}}"#
    );
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\nretry-after: 1\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// An open connection; counts until it is dropped, upgrades included. Fails
/// where the other side takes nothing for too long.
#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    patience: Duration,
    /// Runs while the other side does not take what there is.
    stalled: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        stalled.as_mut().poll(cx).map(|()| {
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the client does not take its answer",
            ))
        })
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
