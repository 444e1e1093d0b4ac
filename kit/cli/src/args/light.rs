//! Sampling.

use clap::Args;
use std::path::PathBuf;

/// A Celestia header that is trusted without proof.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trust {
    pub(crate) height: u64,
    pub(crate) hash: rollwright::core::B256,
}

impl std::str::FromStr for Trust {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write HEIGHT:HASH, such as 2127600:6B3F… with 64 hex digits".to_owned();
        let (height, hash) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Self {
            height: height.parse().map_err(|_| wrong())?,
            hash: hash.parse().map_err(|_| wrong())?,
        })
    }
}

/// `rollwright light`
#[derive(Clone, Debug, Args)]
pub(crate) struct Light {
    /// JSON-RPC of a Celestia node; several times spreads the samples over several nodes
    #[arg(long, value_name = "URL", required = true)]
    pub(crate) endpoint: Vec<String>,
    /// Token for the nodes, with read permission
    #[arg(
        long,
        value_name = "TOKEN",
        env = "CELESTIA_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<String>,
    /// Where trust and sampling begin [default: the first header that a node gives]
    #[arg(long, value_name = "HEIGHT:HASH")]
    pub(crate) trust: Option<Trust>,
    /// Chain id that every header must name [default: that of the trusted header]
    #[arg(long, value_name = "NAME")]
    pub(crate) network: Option<String>,
    /// Random shares to ask for in each block
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) samples: u16,
    /// Keep headers and progress here and go on with them next time [default: in memory]
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Time between blocks
    #[arg(long, value_name = "TIME", default_value = "2600ms")]
    pub(crate) block_time: rollwright::config::Period,
    /// End once the newest block is sampled; with an error if one was not available
    #[arg(long)]
    pub(crate) once: bool,
}
