//! Running nodes.

use super::values::{DaUrl, Port, chain_id, da_block_time};
use clap::{Args, ValueEnum};
use rollwright::config::{BlockTimeSetting, DaChoice};
use std::path::PathBuf;

/// `rollwright celestia-devnet`
#[cfg(feature = "celestia")]
#[derive(Clone, Debug, Args)]
pub(crate) struct CelestiaDevnet {
    /// Keep the network in this file and go on with it next time [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub(crate) path: Option<PathBuf>,
    /// Where HTTP and WebSocket are served; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:26658")]
    pub(crate) listen: std::net::SocketAddr,
    /// Chain id that every header names
    #[arg(long, value_name = "NAME", default_value = "private")]
    pub(crate) network: String,
    /// Time between blocks
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = da_block_time)]
    pub(crate) block_time: rollwright::config::Period,
    /// The keys of validators and account follow from it
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Number of validators
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) validators: u8,
}

/// `rollwright dev`
#[derive(Clone, Debug, Args)]
pub(crate) struct Dev {
    /// Keep the chain here and go on with it next time [default: the project's, or a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Port of JSON-RPC, or `auto` for a free one [default: 8545, or the project's]
    #[arg(long)]
    pub(crate) port: Option<Port>,
    /// Address to listen on [default: 127.0.0.1, or the project's]
    #[arg(long)]
    pub(crate) host: Option<std::net::IpAddr>,
    /// Chain id of a new chain, such as 42069 or 0xa455
    #[arg(long, value_name = "N", value_parser = chain_id)]
    pub(crate) chain_id: Option<u64>,
    /// Time between blocks, or `auto` to mine when there is something to mine, and an empty block now and then that keeps an idle chain inside its sequencing window [default: 1s, or the project's]
    #[arg(long, value_name = "TIME")]
    pub(crate) block_time: Option<BlockTimeSetting>,
    /// Funded accounts of a new chain, at most 10000 [default: 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=10_000))]
    pub(crate) accounts: Option<u32>,
    /// DA layer of a new chain [default: local, or the project's]
    #[arg(long, value_enum)]
    pub(crate) da: Option<DevDa>,
    /// Time between blocks of the embedded DA layer, 50ms to 100s [default: 2s, or the project's]
    #[arg(long, value_name = "TIME", value_parser = da_block_time)]
    pub(crate) da_block_time: Option<rollwright::config::Period>,
    /// Faults of the embedded DA layer, such as latency=50ms..2s,refuse=5%
    #[arg(long, value_name = "FAULTS")]
    pub(crate) da_faults: Option<String>,
    /// A chain for test suites, in memory, that posts nothing: snapshots, time, impersonation and pretended state (evm_, anvil_ and hardhat_ methods); mines each transaction at once unless --block-time says otherwise
    #[arg(long, conflicts_with_all = ["datadir", "da", "da_block_time", "da_faults", "build", "stock"])]
    pub(crate) sandbox: bool,
    /// In a project: build it and run what was built, even where `src/` is unchanged
    #[arg(long, conflicts_with = "stock")]
    pub(crate) build: bool,
    /// In a project: run its chain with this binary, even where `src/` was changed
    #[arg(long)]
    pub(crate) stock: bool,
}

/// DA layers of this binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DevDa {
    /// Embedded, in one file: free, final after a few blocks
    Local,
    /// A Celestia network in this process: squares, headers and proofs are real
    Celestia,
    /// Blobs on a development L1: anvil, which must be installed
    Ethereum,
}

impl DevDa {
    /// As the configuration names it.
    pub(crate) const fn choice(self) -> DaChoice {
        match self {
            Self::Local => DaChoice::Local,
            Self::Celestia => DaChoice::Celestia,
            Self::Ethereum => DaChoice::Ethereum,
        }
    }
}

/// What a node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleName {
    /// Make blocks and post them
    Sequencer,
    /// Derive the chain from DA
    Follower,
    /// Follow a feed, and check it against DA
    Replica,
}

/// `rollwright run`
#[derive(Clone, Debug, Args)]
pub(crate) struct Run {
    /// What the node does
    #[arg(long, value_enum, default_value_t = RoleName::Sequencer)]
    pub(crate) role: RoleName,
    /// Configuration [default: rollup.toml, or the one in --datadir where there is none here]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep the data here instead of chain.data-dir
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Where the chain's DA layer is reached, instead of what the configuration says; LAYER=URL, such as celestia=http://127.0.0.1:26658, where the chain has several; may be repeated
    #[arg(long, value_name = "[LAYER=]URL")]
    pub(crate) da_url: Vec<DaUrl>,
    /// Feed that a replica follows, such as ws://127.0.0.1:8545/feed, instead of follower.feed
    #[arg(long, value_name = "URL")]
    pub(crate) feed: Option<String>,
    /// JSON-RPC address that transactions are forwarded to, instead of follower.sequencer
    #[arg(long, value_name = "URL")]
    pub(crate) sequencer: Option<String>,
    /// Port of JSON-RPC instead of the one in rpc.listen, or `auto`
    #[arg(long)]
    pub(crate) port: Option<Port>,
}
