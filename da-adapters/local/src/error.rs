use crate::{NetworkId, ProofError};
use alloy_primitives::B256;
use rollwright_core::{DaHeight, ErrorKind, LayerError, UnitId};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The cause of an [`Error`] that the operating system, the database or the
/// network reported.
pub type Source = Arc<dyn std::error::Error + Send + Sync + 'static>;

/// What can go wrong with the local layer.
///
/// Every message names the cause, the place and, where there is one, the cure.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing the file failed.
    #[error("cannot {action} the DA file {path}: {source}", path = path.display())]
    Storage {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Source,
    },
    /// There is no room for what was to be written.
    #[error(
        "cannot {action} the DA file {path}: {reason}: free space, then start again; \
         nothing that was answered is lost",
        path = path.display()
    )]
    DiskFull {
        /// What was being done.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Which bound was met: the disk, a quota, or the process's limit.
        reason: &'static str,
    },
    /// The file is something else than a DA file.
    #[error(
        "{path} is not a DA file of Rollwright ({found}): give the path of the file that \
         `rollwright dev` or `rollwright da serve` created, or a path where none exists yet",
        path = path.display()
    )]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What was found instead.
        found: String,
    },
    /// The file was written by another version.
    #[error(
        "the DA file {path} has format {found}, this version reads format {supported}: use the \
         version of Rollwright that wrote it",
        path = path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u16,
        /// The format that this version reads.
        supported: u16,
    },
    /// Another process, or another handle of this one, has the file open.
    #[error(
        "the DA file {path} is in use by another process: stop it, or reach it over HTTP \
         (`rollwright da serve` there, `url = \"http://…\"` here)",
        path = path.display()
    )]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The layer is another network than the chain was configured for.
    #[error(
        "{place} is DA network {found}, the chain expects {expected}: give the data directory \
         that belongs to this genesis.json, or the genesis.json of this data directory"
    )]
    WrongNetwork {
        /// The file or the server.
        place: String,
        /// What the chain configuration names.
        expected: NetworkId,
        /// What was found.
        found: NetworkId,
    },
    /// There is no file, and none was to be created.
    #[error(
        "there is no DA file at {path}: check `[da.local] path`; without this file the chain's \
         data is lost, so none is created in its place",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A value in the file does not read, or contradicts another.
    #[error(
        "the DA file {path} is damaged: {what}: restore it from a copy, or read the chain \
         from another node's DA file or server",
        path = path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A setting is unusable.
    #[error("the setting `{key}` of the local DA layer is unusable: {reason}")]
    Config {
        /// The setting.
        key: &'static str,
        /// Why, and what would be right.
        reason: String,
    },
    /// The layer was closed with [`LocalDa::close`](crate::LocalDa::close).
    #[error("the local DA layer has been closed in this process: open it again")]
    Closed,
    /// The block does not exist yet.
    #[error("DA block {height} does not exist yet, the newest is {head}")]
    NotYet {
        /// The height asked for.
        height: DaHeight,
        /// The newest height.
        head: DaHeight,
    },
    /// No block ever had this height.
    #[error("there is no DA block {height}, the first is {first}: ask for that one or a later one")]
    NoSuchBlock {
        /// The height asked for.
        height: DaHeight,
        /// The first height.
        first: DaHeight,
    },
    /// The block's blobs are no longer served.
    #[error(
        "DA block {height} has been pruned, the oldest that is served is {oldest}: use a layer \
         that keeps more (`retention`, or `faults` without `prune`)"
    )]
    Pruned {
        /// The height asked for.
        height: DaHeight,
        /// The oldest height that is served.
        oldest: DaHeight,
    },
    /// The block was reorganised away, or never existed.
    #[error("DA block {height} with hash {asked} is not canonical, the block there is {canonical}")]
    NotCanonical {
        /// The height asked for.
        height: DaHeight,
        /// The hash asked for.
        asked: B256,
        /// The canonical hash.
        canonical: B256,
    },
    /// The block holds no such blob of this rollup.
    #[error(
        "DA block {height} holds no blob {index} with commitment {commitment} in this namespace"
    )]
    NoSuchBlob {
        /// The block.
        height: DaHeight,
        /// Position among the rollup's blobs.
        index: u32,
        /// Its commitment.
        commitment: B256,
    },
    /// A blob, or a unit as a whole, is larger than the layer takes.
    #[error("{what} has {bytes} bytes, the local DA layer takes at most {max_bytes}: split it")]
    TooLarge {
        /// `a blob` or `a posting unit`.
        what: &'static str,
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        max_bytes: u64,
    },
    /// A unit has more blobs than a block takes.
    #[error("a posting unit has {count} blobs, the local DA layer takes between 1 and {max}")]
    BlobCount {
        /// Number of blobs.
        count: u64,
        /// The limit.
        max: u64,
    },
    /// A unit's id was used before, for other bytes.
    #[error(
        "posting unit {unit:?} was submitted before with other contents: give it a salt of its own"
    )]
    UnitConflict {
        /// The unit.
        unit: UnitId,
    },
    /// Too much is waiting for a block.
    #[error(
        "{pending_bytes} bytes wait for a DA block, at most {max_bytes} may: submit again later"
    )]
    Full {
        /// Bytes that wait.
        pending_bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// A seeded fault refused the call.
    #[error("the local DA layer refused to {action} (a configured fault, `faults = \"refuse=…\"`)")]
    Refused {
        /// The call.
        action: &'static str,
    },
    /// A reorganisation would undo what is final.
    #[error("cannot reorganise {depth} DA blocks: only {max} stand above the final one")]
    ReorgTooDeep {
        /// Blocks to be replaced.
        depth: u64,
        /// Blocks that may be.
        max: u64,
    },
    /// Pruning would remove blocks that are not final.
    #[error("cannot prune below {below}: DA blocks from {max} on are not final yet")]
    PruneTooHigh {
        /// The height asked for.
        below: DaHeight,
        /// The highest that may be.
        max: DaHeight,
    },
    /// A proof does not show what it is claimed to show.
    #[error("the DA proof does not hold: {0}")]
    Proof(#[from] ProofError),
    /// No answer from the server.
    #[error(
        "cannot reach the DA server {url}: {source}: check that the process that serves it runs: the chain's node, or `rollwright da serve`"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// The cause.
        source: Source,
    },
    /// The server answered with a failure of its own, or with something that
    /// is no answer.
    #[error("the DA server {url} failed: {message}")]
    Server {
        /// The address.
        url: String,
        /// What it said.
        message: String,
    },
    /// The server's answer contradicts itself or what it said before.
    #[error(
        "the DA server {url} is not to be trusted, {what} does not hold: {detail}: stop using it, \
         and compare its file with another copy"
    )]
    Dishonest {
        /// The address.
        url: String,
        /// What failed: `header hash`, `data root`, `final block`, …
        what: &'static str,
        /// Expected and found.
        detail: String,
    },
    /// The server takes no commands.
    #[error(
        "the DA server does not take commands: run `{command}` where the file lies, or serve with commands allowed"
    )]
    Forbidden {
        /// The command.
        command: &'static str,
    },
}

impl Error {
    /// What the operating system said of a file: a full disk has a cure of its
    /// own.
    pub(crate) fn io(action: &'static str, path: &Path, error: std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        let path = path.to_owned();
        let reason = match error.kind() {
            StorageFull => "the disk is full",
            QuotaExceeded => "the disk quota is used up",
            FileTooLarge => "the largest file size that this process may write is reached",
            _ => {
                return Self::Storage {
                    action,
                    path,
                    source: Arc::new(error),
                };
            }
        };
        Self::DiskFull {
            action,
            path,
            reason,
        }
    }

    /// The error's place in the whole: each variant has a code of its own.
    const fn classify(&self) -> (ErrorKind, &'static str) {
        use ErrorKind::{Fatal, NotYet, Pruned, Rejected, Temporary};
        match self {
            Self::Storage { .. } => (Fatal, "RW-DA-101"),
            Self::NotOurs { .. } => (Fatal, "RW-DA-102"),
            Self::OtherVersion { .. } => (Fatal, "RW-DA-103"),
            Self::InUse { .. } => (Fatal, "RW-DA-104"),
            Self::WrongNetwork { .. } => (Fatal, "RW-DA-105"),
            Self::Missing { .. } => (Fatal, "RW-DA-106"),
            Self::Corrupt { .. } => (Fatal, "RW-DA-107"),
            Self::Config { .. } => (Fatal, "RW-DA-108"),
            Self::Closed => (Fatal, "RW-DA-109"),
            Self::NotYet { .. } => (NotYet, "RW-DA-110"),
            Self::Pruned { .. } => (Pruned, "RW-DA-111"),
            Self::NotCanonical { .. } => (Rejected, "RW-DA-112"),
            Self::NoSuchBlob { .. } => (Rejected, "RW-DA-113"),
            Self::TooLarge { .. } => (Rejected, "RW-DA-114"),
            Self::BlobCount { .. } => (Rejected, "RW-DA-115"),
            Self::UnitConflict { .. } => (Rejected, "RW-DA-116"),
            Self::Full { .. } => (Temporary, "RW-DA-117"),
            Self::Refused { .. } => (Temporary, "RW-DA-118"),
            Self::ReorgTooDeep { .. } => (Rejected, "RW-DA-119"),
            Self::PruneTooHigh { .. } => (Rejected, "RW-DA-120"),
            Self::Proof(_) => (Rejected, "RW-DA-121"),
            Self::Unreachable { .. } => (Temporary, "RW-DA-122"),
            Self::Server { .. } => (Temporary, "RW-DA-123"),
            Self::Dishonest { .. } => (Fatal, "RW-DA-124"),
            Self::Forbidden { .. } => (Rejected, "RW-DA-125"),
            Self::NoSuchBlock { .. } => (Rejected, "RW-DA-126"),
            Self::DiskFull { .. } => (Fatal, "RW-DA-127"),
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
