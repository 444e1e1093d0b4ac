use jsonrpsee::types::{ErrorObject, ErrorObjectOwned};
use rollwright_core::{ErrorKind, LayerError};
use std::{io, net::SocketAddr};

/// Why the server could not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// Another process listens on the port.
    #[error("port {} on {} is in use{}; stop it, choose another port, or pass `--port auto`", .address.port(), .address.ip(), owner_text(.owner))]
    PortTaken {
        /// What was asked for.
        address: SocketAddr,
        /// Process id and name of the owner, where the system tells.
        owner: Option<(u32, String)>,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; check `rpc.listen`")]
    Bind {
        /// What was asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// An entry of the CORS list is no origin.
    #[error(
        "`{origin}` in `rpc.cors` is not an origin; write scheme, host and port, as in `https://app.example`, or `*`"
    )]
    Origin {
        /// The entry.
        origin: String,
    },
    /// Two modules offer the same method.
    #[error("two modules offer the same method: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
    /// The listener failed while serving.
    #[error("the RPC listener failed: {0}")]
    Serve(#[source] io::Error),
}

/// −32005, "limit exceeded" (EIP-1474): the request is fine and the node has
/// no room for it now. Clients that know the code try again by themselves.
pub(crate) fn busy(message: &str) -> ErrorObjectOwned {
    ErrorObject::owned(-32005, message.to_owned(), None::<()>)
}

fn owner_text(owner: &Option<(u32, String)>) -> String {
    match owner {
        Some((pid, name)) => format!(" by {name} (process {pid})"),
        None => " by another process".to_owned(),
    }
}

impl LayerError for RpcError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Serve(_) => ErrorKind::Temporary,
            _ => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::PortTaken { .. } => "RW-RPC-001",
            Self::Bind { .. } => "RW-RPC-002",
            Self::Origin { .. } => "RW-RPC-003",
            Self::Methods(_) => "RW-RPC-004",
            Self::Serve(_) => "RW-RPC-005",
        }
    }
}
