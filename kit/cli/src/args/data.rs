//! What a stopped chain has stored.

use super::{
    da::Target,
    values::{DaUrl, Port},
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `rollwright verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Check the stored state instead: recompute every root from accounts and slots
    #[arg(long)]
    pub(crate) state: bool,
}

/// `rollwright snapshot`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Snapshot {
    /// Write the state at the finalized head to a new file
    Export {
        /// Data directory of the chain; no node may use it
        #[arg(long, value_name = "DIR")]
        datadir: PathBuf,
        /// The file to write
        file: PathBuf,
    },
    /// Fill a new data directory from a file
    Import {
        /// Data directory to make
        #[arg(long, value_name = "DIR")]
        datadir: PathBuf,
        /// Genesis file of the chain
        #[arg(long, value_name = "FILE", default_value = "genesis.json")]
        genesis: PathBuf,
        /// Where the chain's DA layer is reached, instead of what the configuration says; LAYER=URL, such as celestia=http://127.0.0.1:26658, where the chain has several; may be repeated
        #[arg(long, value_name = "[LAYER=]URL")]
        da_url: Vec<DaUrl>,
        /// Where the node will forward transactions to
        #[arg(long, value_name = "URL")]
        sequencer: Option<String>,
        /// The file to read
        file: PathBuf,
    },
    /// Check a file without importing it
    Check {
        /// Genesis file of the chain that it should be of [default: any chain]
        #[arg(long, value_name = "FILE")]
        genesis: Option<PathBuf>,
        /// The file to read
        file: PathBuf,
    },
}

/// `rollwright evidence`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Evidence {
    /// Print the blocks that the feed signed and DA contradicts
    List {
        /// Data directory of the replica; no node may use it
        #[arg(long, value_name = "DIR")]
        datadir: PathBuf,
        /// Write each into a file in this folder, which others can check
        #[arg(long, value_name = "DIR")]
        save: Option<PathBuf>,
    },
    /// Check a file: who signed and, with --datadir, what DA gives
    Check {
        /// The file to read
        file: PathBuf,
        /// Data directory of a node of the chain, to compare with what it derived; no node may use it
        #[arg(long, value_name = "DIR")]
        datadir: Option<PathBuf>,
        /// Configuration of the chain, where no data directory is given
        #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
        config: PathBuf,
        /// Where the chain's DA layer is reached, instead of what the configuration says; LAYER=URL, such as celestia=http://127.0.0.1:26658, where the chain has several; may be repeated
        #[arg(long, value_name = "[LAYER=]URL")]
        da_url: Vec<DaUrl>,
    },
}

/// Memory of a store: a number with MiB or GiB.
const MEMORY: &str = "1GiB";

/// `rollwright import`
#[derive(Clone, Debug, Args)]
pub(crate) struct Import {
    /// Where the chain is kept; made if it does not exist, gone on with if it does
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: PathBuf,
    /// Genesis file of the chain, as geth reads it
    #[arg(long, value_name = "FILE")]
    pub(crate) genesis: PathBuf,
    /// Say how the time divides into execution, state root, commit and reading
    #[arg(long)]
    pub(crate) stats: bool,
    /// Memory of the store
    #[arg(long, value_name = "SIZE", default_value = MEMORY)]
    pub(crate) memory: rollwright::config::ByteSize,
    /// Blocks in RLP, one behind the other
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// `rollwright serve`
#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// The chain that `rollwright import` made
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: PathBuf,
    /// Port of JSON-RPC, or `auto` for a free one
    #[arg(long, default_value = "8545")]
    pub(crate) port: Port,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub(crate) host: std::net::IpAddr,
    /// Memory of the store
    #[arg(long, value_name = "SIZE", default_value = MEMORY)]
    pub(crate) memory: rollwright::config::ByteSize,
}
