use crate::{config::ConfigError, logging::LoggingError};
use rollwright_core::{ErrorKind, LayerError};
use rollwright_evm::genesis::GenesisError;
use std::path::PathBuf;

/// Why a project cannot be used as it stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// `rollup.toml` was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// `genesis.json` was refused.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// The DA layer was refused or cannot be opened.
    #[error(transparent)]
    LocalDa(#[from] rollwright_da_local::Error),
    /// A layer that this binary was built without.
    #[error(
        "the chain is on the DA layer `{layer}`, and this binary was built without it (help: build it with the feature `{feature}`: features = [\"{feature}\"] on rollwright in Cargo.toml, or --features {feature} for the command)"
    )]
    MissingFeature {
        /// The layer.
        layer: &'static str,
        /// The feature of this crate.
        feature: &'static str,
    },
    /// Celestia was refused or cannot be opened.
    #[cfg(feature = "celestia")]
    #[error(transparent)]
    Celestia(#[from] rollwright_da_celestia::CelestiaError),
    /// The L1 was refused or cannot be reached.
    #[cfg(feature = "ethereum")]
    #[error(transparent)]
    EthereumDa(#[from] rollwright_da_ethereum::Error),
    /// The execution layer cannot be opened.
    #[error(transparent)]
    Evm(#[from] rollwright_evm::engine::EngineError),
    /// The chain does not go over to another DA layer.
    #[error(transparent)]
    Switch(#[from] crate::switch::SwitchError),
    /// Logging cannot start.
    #[error(transparent)]
    Logging(#[from] LoggingError),
    /// A file cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error("{} cannot be written: {}", path.display(), cause(source))]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The genesis file has no `config.rollwright`.
    #[error("{} is an Ethereum genesis without `config.rollwright`, which makes it a rollup's", path.display())]
    NotARollup {
        /// The genesis file.
        path: PathBuf,
    },
    /// The genesis file is a rollup's, where an Ethereum chain's is wanted.
    #[error("{} is the genesis of a rollup, whose blocks come from its DA layer and not from a file; a follower derives them: rollwright run --role follower", path.display())]
    ARollup {
        /// The genesis file.
        path: PathBuf,
    },
    /// Configuration and genesis file disagree about the chain id.
    #[error("`chain.id` is {configured} ({at}), but {} is the genesis of chain {genesis}; they must be equal", path.display())]
    ChainId {
        /// Where the configured value came from.
        at: String,
        /// The configured value.
        configured: u64,
        /// The genesis file's.
        genesis: u64,
        /// The genesis file.
        path: PathBuf,
    },
    /// Configuration and genesis file disagree about the DA layer.
    #[error(
        "`da.use` is {configured} ({at}), but the chain's first DA epoch is on {genesis}; a chain that has started moves by an amendment only (help: `rollwright da use {configured}` writes it, or changes the genesis file of a chain that has not started)"
    )]
    DaLayer {
        /// Where the configured value came from.
        at: String,
        /// The configured value.
        configured: String,
        /// The genesis file's.
        genesis: String,
    },
    /// Configuration and genesis file disagree.
    #[error("`{key}` is {configured} ({at}), but {} says {genesis}; write that", path.display())]
    Disagree {
        /// The key.
        key: &'static str,
        /// Where the configured value came from.
        at: String,
        /// The configured value.
        configured: String,
        /// The genesis file's.
        genesis: String,
        /// The genesis file.
        path: PathBuf,
    },
    /// The consensus configuration contradicts itself.
    #[error("{}: `config.rollwright`: {error}", path.display())]
    Rules {
        /// The genesis file.
        path: PathBuf,
        /// What is wrong, with values and cure.
        error: String,
    },
    /// A sequencer without a key.
    #[error(
        "a sequencer needs a key: set `key = {{ file = \"keys/sequencer.key\" }}` under [sequencer]; `rollwright keys new` makes one"
    )]
    NoKey,
    /// A sequencer whose key is not in the schedule.
    #[error(
        "the sequencer's key has the address {address}, which is not in the key schedule of the genesis file ({scheduled})"
    )]
    WrongKey {
        /// The key's address.
        address: String,
        /// The schedule's addresses.
        scheduled: String,
    },
    /// A replica without a feed.
    #[error("a replica needs a feed: set `feed = \"ws://host:port/feed\"` under [follower]")]
    NoFeed,
    /// A data directory of a chain that was started differently.
    #[error("{} holds chain {found}, not {wanted}; name another --datadir, or leave out the flag", path.display())]
    OtherChain {
        /// The data directory.
        path: PathBuf,
        /// The chain id that it holds.
        found: u64,
        /// The chain id asked for.
        wanted: u64,
    },
    /// A data directory whose accounts are not as many as asked for.
    #[error("{} holds a chain with {found} funded accounts, not {wanted}; name another --datadir, or leave out the flag", path.display())]
    OtherAccounts {
        /// The data directory.
        path: PathBuf,
        /// Its accounts.
        found: u32,
        /// Accounts asked for.
        wanted: u32,
    },
    /// Public keys hold funds where others could take them.
    #[error(
        "the genesis file funds the public test accounts, whose keys everybody knows, on the {layer} layer; remove them from `alloc`"
    )]
    PublicKeys {
        /// The DA layer.
        layer: String,
    },
    /// A folder without a chain.
    #[error("{} holds no chain that was started; name the --datadir of a node that has run", path.display())]
    NoChain {
        /// The folder.
        path: PathBuf,
    },
    /// A chain whose genesis file is gone.
    #[error("{} is missing, but the folder holds a chain; restore the file, or remove the folder to begin another chain", path.display())]
    GenesisMissing {
        /// The genesis file.
        path: PathBuf,
    },
    /// The list of amendments was refused.
    #[error("{}: {reason}", path.display())]
    Amendments {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A value that cannot work.
    #[error("{0}")]
    Invalid(String),
}

/// The system's words; a full disk has a cure of its own.
fn cause(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::StorageFull => {
            "the disk is full; free space, then start again".to_owned()
        }
        _ => error.to_string(),
    }
}

impl LayerError for ProjectError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(error) => error.kind(),
            Self::Genesis(error) => error.kind(),
            Self::LocalDa(error) => error.kind(),
            #[cfg(feature = "celestia")]
            Self::Celestia(error) => error.kind(),
            #[cfg(feature = "ethereum")]
            Self::EthereumDa(error) => error.kind(),
            Self::Evm(error) => error.kind(),
            Self::Switch(error) => error.kind(),
            _ => ErrorKind::Fatal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Config(error) => error.code(),
            Self::Genesis(error) => error.code(),
            Self::LocalDa(error) => error.code(),
            #[cfg(feature = "celestia")]
            Self::Celestia(error) => error.code(),
            #[cfg(feature = "ethereum")]
            Self::EthereumDa(error) => error.code(),
            Self::Evm(error) => error.code(),
            Self::Switch(error) => error.code(),
            Self::Logging(_) => "RW-CFG-011",
            Self::Unreadable { .. } => "RW-CFG-001",
            Self::Unwritable { .. } => "RW-CFG-012",
            Self::NotARollup { .. } => "RW-CFG-013",
            Self::ChainId { .. } => "RW-CFG-014",
            Self::DaLayer { .. } => "RW-CFG-015",
            Self::Rules { .. } => "RW-CFG-016",
            Self::NoKey => "RW-CFG-017",
            Self::WrongKey { .. } => "RW-CFG-018",
            Self::NoFeed => "RW-CFG-019",
            Self::OtherChain { .. } => "RW-CFG-020",
            Self::Invalid(_) => "RW-CFG-021",
            Self::PublicKeys { .. } => "RW-CFG-022",
            Self::NoChain { .. } => "RW-CFG-023",
            Self::GenesisMissing { .. } => "RW-CFG-024",
            Self::Disagree { .. } => "RW-CFG-025",
            Self::OtherAccounts { .. } => "RW-CFG-026",
            Self::ARollup { .. } => "RW-CFG-027",
            Self::Amendments { .. } => "RW-CFG-028",
            Self::MissingFeature { .. } => "RW-CFG-029",
        }
    }
}

/// Why a rollup does not start, or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The project is not usable.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The node failed.
    #[error(transparent)]
    Node(#[from] rollwright_node::NodeError),
    /// Something is no evidence against a feed.
    #[error(transparent)]
    Evidence(#[from] rollwright_node::EvidenceError),
    /// The RPC server failed.
    #[error(transparent)]
    Rpc(#[from] rollwright_rpc::RpcError),
    /// The `eth_` methods cannot be served.
    #[error(transparent)]
    Eth(#[from] rollwright_evm::rpc::EthModuleError),
    /// A sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] rollwright_evm::sandbox::SandboxError),
}

impl LayerError for StartError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Project(error) => error.kind(),
            Self::Node(error) => error.kind(),
            Self::Evidence(error) => error.kind(),
            Self::Rpc(error) => error.kind(),
            Self::Eth(error) => error.kind(),
            Self::Sandbox(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Project(error) => error.code(),
            Self::Node(error) => error.code(),
            Self::Evidence(error) => error.code(),
            Self::Rpc(error) => error.code(),
            Self::Eth(error) => error.code(),
            Self::Sandbox(error) => error.code(),
        }
    }
}
