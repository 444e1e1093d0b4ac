//! What can go wrong, and what each of it means to whoever called.

use crate::{GasPrice, NamespaceError, ProofError};
use alloy_primitives::B256;
use rollwright_core::{DaHeight, ErrorKind, LayerError, UnitId};
use std::sync::Arc;

mod text;

pub use text::classify_text;

/// The cause of an error that the operating system or the database reported.
pub type Source = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// What can go wrong with Celestia.
///
/// Every message names the cause, the place and, where there is one, the cure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CelestiaError {
    /// No answer, or one that is none.
    #[error(
        "cannot reach the Celestia node {endpoint}: {text}: check that it runs and that the \
         address is the one of its RPC"
    )]
    Transport {
        /// The address, without credentials.
        endpoint: String,
        /// The cause.
        text: String,
    },
    /// The block does not exist yet.
    #[error("Celestia block {requested} does not exist yet, the newest is {head}")]
    HeightAhead {
        /// The newest height.
        head: u64,
        /// The height asked for.
        requested: u64,
    },
    /// The block is below what the node keeps.
    #[error(
        "Celestia block {requested} is below {tail}, the oldest that the node keeps: read it from \
         an archive node"
    )]
    HeightPruned {
        /// The oldest height kept.
        tail: u64,
        /// The height asked for.
        requested: u64,
    },
    /// The block is older than the window in which light nodes keep data.
    #[error("the data of that Celestia block is no longer kept: read it from an archive node")]
    OutsideWindow,
    /// The node claims that there is no such blob. Not a proof.
    #[error("the Celestia node says that there is no such blob")]
    NoBlob,
    /// The node could not obtain the block's data.
    #[error("the Celestia node does not have the block's data: it answers once it has it")]
    NotAvailable,
    /// The transaction waits in a mempool already.
    #[error("the transaction waits for a Celestia block already")]
    AlreadyPending,
    /// The node gave up waiting for inclusion; the outcome is open.
    #[error("the Celestia node gave up waiting for the transaction: it may still be included")]
    ConfirmTimeout,
    /// The account's sequence is another one than the node believes.
    #[error(
        "the account's sequence is {expected}, the node used {got}: restart the node, or post with \
         a node of your own"
    )]
    SequenceMismatch {
        /// The sequence of the account.
        expected: u64,
        /// The sequence that was used.
        got: u64,
    },
    /// The fee is too low.
    #[error("the fee is too low, {required_utia} utia are required")]
    FeeTooLow {
        /// What is required; 0 where the node does not say.
        required_utia: u64,
    },
    /// The price that the network asks for is above the configured one.
    #[error("the network's gas price is above `max-gas-price` ({cap}): raise it, or wait")]
    FeeCapReached {
        /// The configured price.
        cap: GasPrice,
    },
    /// The account cannot pay.
    #[error("the posting account {address} cannot pay: send it TIA, no restart is needed")]
    OutOfFunds {
        /// The account; empty where the node does not say.
        address: String,
    },
    /// The blobs are larger than the network takes.
    #[error("{bytes} bytes are more than Celestia takes at once ({max_bytes}): split them")]
    TooLarge {
        /// What was to be posted; 0 where that is not known.
        bytes: u64,
        /// The limit; 0 where the node does not say.
        max_bytes: u64,
    },
    /// The mempool is full.
    #[error("the Celestia node's mempool is full")]
    MempoolFull,
    /// The node rejected the transaction before.
    #[error("the Celestia node rejected the transaction before")]
    PreviouslyRejected,
    /// The transaction fell out of the mempool.
    #[error("the transaction {hash} was dropped from the mempool")]
    Evicted {
        /// Its hash; empty where the node does not say.
        hash: String,
    },
    /// The node cannot post.
    #[error(
        "the Celestia node runs without access to a consensus node and cannot post: start it with \
         `--core.ip`"
    )]
    NoStateAccess,
    /// The token does not suffice.
    #[error(
        "the Celestia node refuses the token: make one with `celestia light auth write \
         --p2p.network NETWORK` and put it where `token` under [da.celestia] points"
    )]
    TokenScope,
    /// The node is of another network.
    #[error("the Celestia node is of network {found}, the chain expects {expected}")]
    WrongNetwork {
        /// The network of the chain's configuration.
        expected: String,
        /// The network of the headers.
        found: String,
    },
    /// An answer that this version does not know.
    #[error("the Celestia node answered: {text}")]
    Unknown {
        /// Its words.
        text: String,
        /// How often in a row.
        times: u32,
    },
    /// Data and header do not fit.
    #[error("the Celestia node {endpoint} is not to be trusted at height {height}: {what}")]
    BadProof {
        /// The address.
        endpoint: String,
        /// The height.
        height: u64,
        /// What does not hold.
        what: String,
    },
    /// A header does not hold.
    #[error(
        "the Celestia node {endpoint} gave a header that does not hold at height {height}: {what}"
    )]
    BadHeader {
        /// The address.
        endpoint: String,
        /// The height.
        height: u64,
        /// What does not hold.
        what: String,
    },
    /// No endpoint is left that is believed.
    #[error(
        "no Celestia node that is configured can be trusted at height {height}: {what}: add one of \
         another operator to `rpc` under [da.celestia]"
    )]
    NoHonestEndpoint {
        /// The height.
        height: u64,
        /// What the last of them got wrong.
        what: String,
    },
    /// Two validly signed headers for one height.
    #[error(
        "Celestia forked at height {height}: header {known} was verified, and {found} is signed as \
         well: the checkpoint is of another chain, or Celestia is under attack"
    )]
    Fork {
        /// The height.
        height: u64,
        /// The header that was verified first.
        known: B256,
        /// The other one.
        found: B256,
    },
    /// The newest header that is trusted is too old to lead to newer ones.
    #[error(
        "the trusted header {height} is {age_days} days old, more than the trusting period: take a \
         new `checkpoint` from a source that you trust (`rollwright da check`)"
    )]
    CheckpointExpired {
        /// The height of the newest trusted header.
        height: u64,
        /// Its age.
        age_days: u64,
    },
    /// The checkpoint is not what the network has at that height.
    #[error(
        "the checkpoint's hash at height {height} is {expected}, the network's header has {found}: \
         correct `checkpoint` under [da.celestia]"
    )]
    CheckpointMismatch {
        /// The height.
        height: u64,
        /// The configured hash.
        expected: B256,
        /// The hash of the header there.
        found: B256,
    },
    /// A setting is unusable.
    #[error("the setting `{key}` under [da.celestia] is unusable: {reason}")]
    Config {
        /// The setting.
        key: &'static str,
        /// Why, and what would be right.
        reason: String,
    },
    /// The journal's file failed.
    #[error("cannot {action} the Celestia journal {path}: {source}")]
    Storage {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: String,
        /// The cause.
        source: Source,
    },
    /// Something in the journal's file does not read.
    #[error("the Celestia journal {path} is damaged: {what}: restore it from a copy")]
    Corrupt {
        /// The file.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The block at the height is another one.
    #[error("Celestia block {height} is not {asked}, the block there is {canonical}")]
    NotCanonical {
        /// The height asked for.
        height: DaHeight,
        /// The hash asked for.
        asked: B256,
        /// The hash there.
        canonical: B256,
    },
    /// The block holds no such blob of this rollup.
    #[error("Celestia block {height} holds no blob {index} with commitment {commitment} of ours")]
    NoSuchBlob {
        /// The block.
        height: DaHeight,
        /// Position among the rollup's blobs.
        index: u32,
        /// Its commitment.
        commitment: B256,
    },
    /// A unit's id was used before, for other bytes.
    #[error("posting unit {unit:?} was submitted before with other contents: give it another salt")]
    UnitConflict {
        /// The unit.
        unit: UnitId,
    },
    /// There is nothing to post, or a blob is empty.
    #[error("{0}: Celestia takes no empty blobs, drop them")]
    Empty(&'static str),
    /// A proof does not show what it is claimed to show.
    #[error("the Celestia proof does not hold: {0}")]
    Proof(#[from] ProofError),
    /// Posting stands still until something changes; what, the cause says.
    #[error("posting to Celestia is held back: {0}")]
    Held(Box<CelestiaError>),
    /// The handle was closed with `CelestiaDa::close`.
    #[error("the Celestia journal has been closed in this process: open it again")]
    Closed,
    /// A day's spending is used up.
    #[error(
        "{fee} utia more would exceed `max-spend`: {spent} of {limit} utia were spent in a day: raise \
         it under [da.celestia], or wait"
    )]
    SpendLimit {
        /// What was signed for within a day, in utia.
        spent: u64,
        /// What the next transaction costs, in utia.
        fee: u64,
        /// The limit, in utia.
        limit: u64,
    },
    /// Somebody else posts with our key.
    #[error(
        "sequence {sequence} of account {address} was used by a transaction that this node did not \
         sign: stop whatever else uses the key, or give this node a key of its own, and start it again"
    )]
    KeyInUse {
        /// The account.
        address: String,
        /// The sequence.
        sequence: u64,
    },
    /// The transaction stands in a block and failed there.
    #[error("the transaction was put into a block and failed with code {code}: {text}")]
    ExecutionFailed {
        /// The application's code.
        code: u32,
        /// Its words.
        text: String,
    },
    /// A consensus node claims what the blocks do not show.
    #[error(
        "the consensus node says that transaction {hash} stands in block {height}, and its blobs are \
         not there: name another one as `grpc` under [da.celestia]"
    )]
    NotInBlock {
        /// The block.
        height: u64,
        /// The transaction's hash.
        hash: String,
    },
    /// Samples of a block were not given.
    #[error(
        "Celestia block {height} is not known to be available: {missing} of {wanted} samples were \
         not given: ask nodes of other operators too"
    )]
    Unsampled {
        /// The height.
        height: u64,
        /// Samples that no endpoint gave.
        missing: usize,
        /// Samples that were asked for.
        wanted: usize,
    },
    /// The embedded devnet failed.
    #[error("the embedded Celestia devnet: {0}")]
    Devnet(String),
}

impl CelestiaError {
    /// After so many answers in a row that are not known a person is asked.
    pub const MAX_UNKNOWN: u32 = 5;

    const fn place(&self) -> (ErrorKind, &'static str) {
        use ErrorKind::{Fatal, NotYet, Pruned, Rejected, Temporary};
        match self {
            Self::Transport { .. } => (Temporary, "RW-DA-401"),
            Self::HeightAhead { .. } => (NotYet, "RW-DA-402"),
            Self::HeightPruned { .. } => (Pruned, "RW-DA-403"),
            Self::OutsideWindow => (Pruned, "RW-DA-404"),
            Self::NoBlob => (Rejected, "RW-DA-405"),
            Self::NotAvailable => (Temporary, "RW-DA-406"),
            Self::AlreadyPending => (Temporary, "RW-DA-407"),
            Self::ConfirmTimeout => (Temporary, "RW-DA-408"),
            Self::SequenceMismatch { .. } => (Temporary, "RW-DA-409"),
            Self::FeeTooLow { .. } => (Rejected, "RW-DA-410"),
            Self::FeeCapReached { .. } => (Rejected, "RW-DA-411"),
            Self::OutOfFunds { .. } => (Temporary, "RW-DA-412"),
            Self::TooLarge { .. } => (Rejected, "RW-DA-413"),
            Self::MempoolFull => (Temporary, "RW-DA-414"),
            Self::PreviouslyRejected => (Rejected, "RW-DA-415"),
            Self::Evicted { .. } => (Temporary, "RW-DA-416"),
            Self::NoStateAccess => (Fatal, "RW-DA-417"),
            Self::TokenScope => (Fatal, "RW-DA-418"),
            Self::WrongNetwork { .. } => (Fatal, "RW-DA-419"),
            Self::Unknown { times, .. } if *times >= Self::MAX_UNKNOWN => (Fatal, "RW-DA-420"),
            Self::Unknown { .. } => (Temporary, "RW-DA-420"),
            Self::BadProof { .. } => (Temporary, "RW-DA-421"),
            Self::BadHeader { .. } => (Temporary, "RW-DA-422"),
            Self::NoHonestEndpoint { .. } => (Fatal, "RW-DA-423"),
            Self::Fork { .. } => (Fatal, "RW-DA-424"),
            Self::CheckpointExpired { .. } => (Fatal, "RW-DA-425"),
            Self::CheckpointMismatch { .. } => (Fatal, "RW-DA-426"),
            Self::Config { .. } => (Fatal, "RW-DA-427"),
            Self::Storage { .. } => (Fatal, "RW-DA-428"),
            Self::Corrupt { .. } => (Fatal, "RW-DA-429"),
            Self::NotCanonical { .. } => (Rejected, "RW-DA-430"),
            Self::NoSuchBlob { .. } => (Rejected, "RW-DA-431"),
            Self::UnitConflict { .. } => (Rejected, "RW-DA-432"),
            Self::Empty(_) => (Rejected, "RW-DA-433"),
            Self::Proof(_) => (Rejected, "RW-DA-434"),
            Self::Held(_) => (Temporary, "RW-DA-435"),
            Self::Devnet(_) => (Fatal, "RW-DA-436"),
            Self::Closed => (Fatal, "RW-DA-437"),
            Self::SpendLimit { .. } => (Rejected, "RW-DA-440"),
            Self::KeyInUse { .. } => (Fatal, "RW-DA-441"),
            Self::ExecutionFailed { .. } => (Temporary, "RW-DA-442"),
            Self::NotInBlock { .. } => (Temporary, "RW-DA-443"),
            Self::Unsampled { .. } => (Temporary, "RW-DA-451"),
        }
    }
}

impl LayerError for CelestiaError {
    fn kind(&self) -> ErrorKind {
        self.place().0
    }

    fn code(&self) -> &'static str {
        self.place().1
    }
}

impl From<NamespaceError> for CelestiaError {
    fn from(error: NamespaceError) -> Self {
        Self::Config {
            key: "namespace",
            reason: error.to_string(),
        }
    }
}

/// What the client of a node at `endpoint` reports.
#[cfg(feature = "rpc")]
pub fn classify(endpoint: &str, error: &jsonrpsee::core::ClientError) -> CelestiaError {
    use jsonrpsee::core::ClientError;
    match error {
        ClientError::Call(answer) => classify_text(answer.message()),
        ClientError::Transport(cause) => {
            let text = chain(&**cause);
            match classify_text(&text) {
                found @ (CelestiaError::TokenScope | CelestiaError::TooLarge { .. }) => found,
                _ => CelestiaError::Transport {
                    endpoint: endpoint.to_owned(),
                    text,
                },
            }
        }
        other => CelestiaError::Transport {
            endpoint: endpoint.to_owned(),
            text: chain(other),
        },
    }
}

/// An error's words with those of its causes, each once.
#[cfg(feature = "rpc")]
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
