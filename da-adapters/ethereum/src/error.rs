use crate::{ProofError, codec::CodecError, fees::Ceiling, kzg::KzgError};
use alloy_primitives::{Address, B256};
use rollwright_core::{DaHeight, ErrorKind, LayerError, UnitId};
use std::{path::PathBuf, sync::Arc};

/// The cause of an [`Error`] that the database or the network reported.
pub type Source = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// What can go wrong with an Ethereum L1 as a DA layer.
///
/// Every message names the cause, the place and, where there is one, the cure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is unusable.
    #[error("the setting `{key}` of the Ethereum DA layer is unusable: {reason}")]
    Config {
        /// The setting.
        key: &'static str,
        /// Why, and what would be right.
        reason: String,
    },
    /// No execution node answered.
    #[error("no execution node answers: {tried}: check `[da.ethereum] rpc`")]
    Unreachable {
        /// Endpoint and cause, for each endpoint.
        tried: String,
    },
    /// An execution node answered with an error of its own.
    #[error("the execution node {endpoint} refuses {method}: {message}")]
    Rpc {
        /// Host of the endpoint.
        endpoint: String,
        /// The call.
        method: &'static str,
        /// What it said.
        message: String,
    },
    /// An execution node contradicts itself, or what was final.
    #[error(
        "the execution node {endpoint} is not to be trusted, {what}: stop using it, and compare \
         with another one"
    )]
    Dishonest {
        /// Host of the endpoint.
        endpoint: String,
        /// What does not hold.
        what: String,
    },
    /// Another network than the chain was configured for.
    #[error(
        "the execution node {endpoint} is on network {found}, the chain expects {expected}: name a \
         node of that network under `[da.ethereum] rpc`"
    )]
    WrongNetwork {
        /// Host of the endpoint.
        endpoint: String,
        /// What the chain configuration names.
        expected: String,
        /// What was found.
        found: String,
    },
    /// The block does not exist yet.
    #[error("L1 block {height} does not exist yet, the newest is {head}")]
    Ahead {
        /// The height asked for.
        height: DaHeight,
        /// The newest height.
        head: DaHeight,
    },
    /// The consensus nodes do not have the block's slot yet.
    #[error("beacon node {source_name} is at slot {head_slot} and does not have slot {slot} yet")]
    BeaconBehind {
        /// The source.
        source_name: String,
        /// The slot wanted.
        slot: u64,
        /// Its newest slot.
        head_slot: u64,
    },
    /// The block was reorganised away, or never existed.
    #[error("L1 block {height} with hash {asked} is not canonical, the block there is {canonical}")]
    NotCanonical {
        /// The height asked for.
        height: DaHeight,
        /// The hash asked for.
        asked: B256,
        /// The canonical hash.
        canonical: B256,
    },
    /// The execution node does not keep the block any more.
    #[error(
        "the execution node {endpoint} no longer serves L1 block {height}: use one that keeps \
         history, or start from a snapshot"
    )]
    BlockPruned {
        /// Host of the endpoint.
        endpoint: String,
        /// The height asked for.
        height: DaHeight,
    },
    /// No source has a blob that should still be served.
    #[error(
        "no source serves blob {versioned_hash} of L1 block {height}: {tried}: check that a beacon \
         node under `[da.ethereum] beacon` is a supernode (an ordinary one does not hold all data \
         columns), or add an archive under `[da] archive`"
    )]
    BlobUnavailable {
        /// The block.
        height: DaHeight,
        /// The first blob that is missing.
        versioned_hash: B256,
        /// Source and answer, for each source.
        tried: String,
    },
    /// No source has a blob that Ethereum's nodes need not keep any more.
    #[error(
        "blob {versioned_hash} of L1 block {height} (slot {slot}) is {age_days} days old and no source \
         serves it: {tried}. Ethereum nodes keep blobs for about 18 days. Add an archive under \
         `[da] archive`, or start from a snapshot"
    )]
    BlobExpired {
        /// The block.
        height: DaHeight,
        /// Its slot.
        slot: u64,
        /// Its age in days.
        age_days: u64,
        /// The first blob that is missing.
        versioned_hash: B256,
        /// Source and answer, for each source.
        tried: String,
    },
    /// A reference names nothing of this rollup.
    #[error("L1 block {height} holds no blob {index} with commitment {commitment} in this inbox")]
    NoSuchBlob {
        /// The block.
        height: DaHeight,
        /// Position among the rollup's blobs.
        index: u32,
        /// Its commitment.
        commitment: B256,
    },
    /// A proof does not show what it is claimed to show.
    #[error("the DA proof does not hold: {0}")]
    Proof(#[from] ProofError),
    /// A blob, or a unit as a whole, is larger than the layer takes.
    #[error("{what} has {bytes} bytes, Ethereum blobs take at most {max_bytes}: split it")]
    TooLarge {
        /// `a blob` or `a posting unit`.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// A unit has no blobs, or too many.
    #[error("a posting unit has {count} blobs, the Ethereum layer takes between 1 and {max}")]
    BlobCount {
        /// Number of blobs.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A unit's id was used before, for other bytes.
    #[error(
        "posting unit {unit:?} was submitted before with other contents: give it a salt of its own"
    )]
    UnitConflict {
        /// The unit.
        unit: UnitId,
    },
    /// Nothing can be posted without an account.
    #[error(
        "there is no posting account: set `[da.ethereum] signer` to {{ env = \"…\" }} or {{ file = \"…\" }}"
    )]
    NoSigner,
    /// The posting account cannot pay.
    #[error(
        "the posting account {address} has {balance} wei and needs {needed} wei: send ether to it; \
         posting goes on by itself"
    )]
    OutOfFunds {
        /// The account.
        address: Address,
        /// What it has, in wei.
        balance: u128,
        /// What it needs, in wei.
        needed: u128,
    },
    /// The L1 is dearer than the operator allows.
    #[error(
        "posting is held: {needed} wei per gas would be needed, `[da.ethereum] {key}` allows {limit}; it \
         goes on once the L1 is cheaper, or raise the setting", needed = .0.needed, key = .0.key, limit = .0.limit
    )]
    FeeCeiling(Ceiling),
    /// The daily limit is reached.
    #[error(
        "posting is held: {spent} wei were bound within 24 hours, the next transaction may cost {next} \
         and `[da.ethereum] max-spend` is {limit}; raise it, or wait"
    )]
    SpendLimit {
        /// Bound or paid within 24 hours, in wei.
        spent: u128,
        /// What the next transaction may cost, in wei.
        next: u128,
        /// The limit, in wei.
        limit: u128,
    },
    /// Too many transactions wait for a block.
    #[error(
        "{pending} transactions of {address} wait for an L1 block, at most {max} may: submit again later"
    )]
    Full {
        /// The account.
        address: Address,
        /// How many wait.
        pending: usize,
        /// The limit.
        max: usize,
    },
    /// The nodes refuse a transaction for good.
    #[error("the execution node {endpoint} refuses the transaction with nonce {nonce}: {message}")]
    Refused {
        /// Host of the endpoint.
        endpoint: String,
        /// Its nonce.
        nonce: u64,
        /// What it said.
        message: String,
    },
    /// Somebody else uses the posting account.
    #[error(
        "nonce {nonce} of the posting account {address} was used by a transaction that is not in the \
         journal {journal}: another process posts with this key; give each posting process an account \
         of its own"
    )]
    ForeignNonce {
        /// The account.
        address: Address,
        /// The nonce.
        nonce: u64,
        /// The journal.
        journal: String,
    },
    /// Reading or writing the journal failed.
    #[error("cannot {action} the posting journal {path}: {source}", path = path.display())]
    Journal {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Source,
    },
    /// The journal holds something else than this version writes.
    #[error(
        "the posting journal {path} {found}: use the version of Rollwright and the account that wrote \
         it; without open postings it can be moved away", path = path.display()
    )]
    ForeignJournal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
    },
    /// A blob could not be built. A defect.
    #[error("a blob could not be built: {0}; this is a defect, please report it")]
    Codec(#[from] CodecError),
    /// Commitments could not be computed. A defect.
    #[error("{0}; this is a defect, please report it")]
    Kzg(#[from] KzgError),
    /// The layer shuts down.
    #[error("the Ethereum DA layer shuts down: submit again after a restart")]
    Closed,
}

impl Error {
    /// The error's place in the whole: each variant has a code of its own.
    const fn classify(&self) -> (ErrorKind, &'static str) {
        use ErrorKind::{Fatal, NotYet, Pruned, Rejected, Temporary};
        match self {
            Self::Config { .. } => (Fatal, "RW-DA-601"),
            Self::Unreachable { .. } => (Temporary, "RW-DA-602"),
            Self::Rpc { .. } => (Temporary, "RW-DA-603"),
            Self::Dishonest { .. } => (Fatal, "RW-DA-604"),
            Self::WrongNetwork { .. } => (Fatal, "RW-DA-605"),
            Self::Ahead { .. } => (NotYet, "RW-DA-606"),
            Self::BeaconBehind { .. } => (NotYet, "RW-DA-607"),
            Self::NotCanonical { .. } => (Rejected, "RW-DA-608"),
            Self::BlockPruned { .. } => (Pruned, "RW-DA-609"),
            Self::BlobUnavailable { .. } => (Temporary, "RW-DA-610"),
            Self::BlobExpired { .. } => (Pruned, "RW-DA-611"),
            Self::NoSuchBlob { .. } => (Rejected, "RW-DA-612"),
            Self::Proof(_) => (Rejected, "RW-DA-613"),
            Self::TooLarge { .. } => (Rejected, "RW-DA-614"),
            Self::BlobCount { .. } => (Rejected, "RW-DA-615"),
            Self::UnitConflict { .. } => (Rejected, "RW-DA-616"),
            Self::NoSigner => (Fatal, "RW-DA-617"),
            Self::OutOfFunds { .. } => (Temporary, "RW-DA-618"),
            Self::FeeCeiling(_) => (Temporary, "RW-DA-619"),
            Self::SpendLimit { .. } => (Temporary, "RW-DA-620"),
            Self::Full { .. } => (Temporary, "RW-DA-621"),
            Self::Refused { .. } => (Rejected, "RW-DA-622"),
            Self::ForeignNonce { .. } => (Fatal, "RW-DA-623"),
            Self::Journal { .. } => (Fatal, "RW-DA-624"),
            Self::ForeignJournal { .. } => (Fatal, "RW-DA-625"),
            Self::Codec(_) => (Fatal, "RW-DA-626"),
            Self::Kzg(_) => (Fatal, "RW-DA-627"),
            Self::Closed => (Temporary, "RW-DA-628"),
        }
    }
}

impl LayerError for Error {
    fn kind(&self) -> ErrorKind {
        self.classify().0
    }

    fn code(&self) -> &'static str {
        self.classify().1
    }
}
