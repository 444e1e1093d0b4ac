use crate::{ClientId, ErrorKind, LayerError};

/// What can go wrong in the in-memory messaging layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryMessagingError {
    /// There is no such client here.
    #[error("there is no client {client} here")]
    NoSuchClient {
        /// The client.
        client: ClientId,
    },
    /// The packet names another counterparty.
    #[error("the packet is not between this client and its counterparty {expected}")]
    WrongCounterparty {
        /// The counterparty's client.
        expected: ClientId,
    },
    /// The packet cannot be sent.
    #[error("the packet cannot be sent: {reason}")]
    BadPacket {
        /// Why.
        reason: &'static str,
    },
    /// The packet's deadline has passed here.
    #[error("the packet timed out at {timeout}, and it is {now}; time it out on its source")]
    TimedOut {
        /// The packet's deadline in Unix seconds.
        timeout: u64,
        /// This chain's time in Unix seconds.
        now: u64,
    },
    /// The packet's deadline has not passed on its destination.
    #[error("the packet times out at {timeout}; the proof is of {proved}")]
    NotTimedOut {
        /// The packet's deadline in Unix seconds.
        timeout: u64,
        /// The destination's time at the proof's height.
        proved: u64,
    },
    /// The client does not trust that height yet.
    #[error("the client trusts up to height {latest}, not {height}; update it first")]
    UnknownHeight {
        /// The height asked for.
        height: u64,
        /// The newest trusted height.
        latest: u64,
    },
    /// The counterpart has no such block.
    #[error("the counterpart has no block {height} yet")]
    NotSealed {
        /// The height asked for.
        height: u64,
    },
    /// The block is not of this chain.
    #[error("block {height} of this chain has another hash")]
    NotCanonical {
        /// The height asked for.
        height: u64,
    },
    /// The update is not one of this client's.
    #[error("a client update here is a block number of eight big-endian bytes")]
    BadUpdate,
    /// The fact does not hold at that block.
    #[error("what should be proved does not hold at block {height}")]
    NotAFact {
        /// The block.
        height: u64,
    },
    /// The proof does not show what it should.
    #[error("the proof does not hold: {reason}")]
    InvalidProof {
        /// Why.
        reason: &'static str,
    },
    /// The stored commitment is of another packet.
    #[error("packet {sequence} was sent with other contents")]
    CommitmentMismatch {
        /// The packet's sequence.
        sequence: u64,
    },
}

impl LayerError for MemoryMessagingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownHeight { .. } | Self::NotSealed { .. } => ErrorKind::NotYet,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoSuchClient { .. } => "RW-IBC-102",
            Self::WrongCounterparty { .. } => "RW-IBC-103",
            Self::BadPacket { .. } => "RW-IBC-104",
            Self::TimedOut { .. } => "RW-IBC-105",
            Self::NotTimedOut { .. } => "RW-IBC-106",
            Self::UnknownHeight { .. } => "RW-IBC-107",
            Self::NotSealed { .. } => "RW-IBC-108",
            Self::NotCanonical { .. } => "RW-IBC-109",
            Self::BadUpdate => "RW-IBC-110",
            Self::NotAFact { .. } => "RW-IBC-111",
            Self::InvalidProof { .. } => "RW-IBC-112",
            Self::CommitmentMismatch { .. } => "RW-IBC-113",
        }
    }
}
