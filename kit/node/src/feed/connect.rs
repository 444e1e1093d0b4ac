use futures_util::future::BoxFuture;
use std::fmt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest, error::UrlError};

/// A stream of bytes to a feed's server.
pub trait FeedIo: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> FeedIo for T {}

/// How a replica reaches the server of a feed. HTTP and WebSocket are spoken
/// over what it returns.
pub trait FeedConnector: fmt::Debug + Send + Sync + 'static {
    /// Opens a stream to the host of `url` (`ws://host:port/feed`). Dropping
    /// the future gives up.
    fn connect(&self, url: &str) -> BoxFuture<'static, Result<Box<dyn FeedIo>, Error>>;
}

/// Connects over TCP.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpConnector;

impl FeedConnector for TcpConnector {
    fn connect(&self, url: &str) -> BoxFuture<'static, Result<Box<dyn FeedIo>, Error>> {
        let request = url.into_client_request();
        Box::pin(async move {
            let request = request?;
            let uri = request.uri();
            let host = uri.host().ok_or(Error::Url(UrlError::NoHostName))?;
            // IPv6 addresses stand in brackets.
            let host = host.trim_start_matches('[').trim_end_matches(']');
            let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn FeedIo>)
        })
    }
}
