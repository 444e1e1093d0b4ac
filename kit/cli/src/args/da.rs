//! The DA layers of a chain.

use super::{node::DevDa, values::DaUrl};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Which chain a command is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// Data directory of the chain
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Configuration, where no data directory is given
    #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
    pub(crate) config: PathBuf,
    /// Where the chain's DA layer is reached, instead of what the configuration says; LAYER=URL, such as celestia=http://127.0.0.1:26658, where the chain has several; may be repeated
    #[arg(long, value_name = "[LAYER=]URL")]
    pub(crate) da_url: Vec<DaUrl>,
}

/// `rollwright force-include`
#[derive(Clone, Debug, Args)]
pub(crate) struct ForceInclude {
    /// Signed transactions as hex, such as `cast mktx` prints them
    #[arg(required = true, value_name = "TX")]
    pub(crate) transactions: Vec<String>,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Do not wait until the DA layer has included them
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `rollwright da`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Da {
    /// The layers of this binary, and which of them the chain is on
    List {
        /// Configuration of a chain
        #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
        config: PathBuf,
    },
    /// Move the chain to another layer: a new chain by its genesis file, a live one by an amendment
    Use(DaUse),
    /// Whether a layer does what the chain needs: reach, account, and a round trip of a probe
    Check(DaCheck),
    /// The layer that the chain is on: network, head, finality
    Status {
        #[command(flatten)]
        target: Target,
    },
    /// The chain's DA epochs: layer, network, address, ordinals and heights
    Epochs {
        #[command(flatten)]
        target: Target,
    },
    /// Our blobs as they arrive, decoded, from one DA epoch to the next
    Tail(DaTail),
    /// Serve a local DA layer to other processes over HTTP
    Serve {
        /// The layer's file
        #[arg(long, value_name = "FILE")]
        path: PathBuf,
        /// Address to listen on
        #[arg(long, default_value = "127.0.0.1:26650")]
        listen: std::net::SocketAddr,
        /// Time between blocks
        #[arg(long, value_name = "TIME", default_value = "2s")]
        block_time: rollwright::config::Period,
        /// Faults, such as latency=50ms..2s,refuse=5%
        #[arg(long, value_name = "FAULTS", default_value = "none")]
        faults: String,
        /// Seed of the faults
        #[arg(long, value_name = "N", default_value_t = 7)]
        seed: u64,
    },
}

/// `rollwright da tail`
#[derive(Clone, Debug, Args)]
pub(crate) struct DaTail {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Start at this height [default: the newest, or the oldest with --no-follow]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) from: Option<u64>,
    /// Start in this DA epoch [default: the present one, or the first with --no-follow]
    #[arg(long, value_name = "N")]
    pub(crate) epoch: Option<u32>,
    /// Stop at the newest block instead of waiting for more
    #[arg(long)]
    pub(crate) no_follow: bool,
}

/// `rollwright da use`
#[derive(Clone, Debug, Args)]
pub(crate) struct DaUse {
    /// The layer
    #[arg(value_enum)]
    pub(crate) layer: DevDa,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Namespace or inbox [default: the one that the chain has, or one after its name]
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    /// Nominal time between the layer's blocks [default: as it makes them]
    #[arg(long, value_name = "TIME")]
    pub(crate) da_block_time: Option<rollwright::config::Period>,
    /// Last height of the layer that the chain is on [default: ten minutes ahead; a dozen blocks on networks of its own]
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) last_height: Option<u64>,
    /// Accept that no blocks are made for a while during the switch
    #[arg(long)]
    pub(crate) allow_pause: bool,
    /// Spend what the check costs without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Check and plan, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `rollwright da check`
#[derive(Clone, Debug, Args)]
pub(crate) struct DaCheck {
    /// The layer
    #[arg(value_enum)]
    pub(crate) layer: DevDa,
    #[command(flatten)]
    pub(crate) target: Target,
    /// Namespace or inbox [default: the one that the chain has, or one after its name]
    #[arg(long, value_name = "TEXT")]
    pub(crate) address: Option<String>,
    /// Spend what the round trip costs without asking
    #[arg(long)]
    pub(crate) yes: bool,
}
