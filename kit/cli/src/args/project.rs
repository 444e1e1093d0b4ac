//! A project's files.

use super::{node::DevDa, values::chain_id};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Templates of `rollwright new`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// A rollup that executes Ethereum blocks
    EvmRollup,
}

/// `rollwright new`
#[derive(Clone, Debug, Args)]
pub(crate) struct New {
    /// Name of the rollup and of its folder
    pub(crate) name: Option<String>,
    /// What to generate
    #[arg(long, value_enum, default_value_t = Template::EvmRollup)]
    pub(crate) template: Template,
    /// DA layer
    #[arg(long, value_enum)]
    pub(crate) da: Option<DevDa>,
    /// Chain id, such as 42069 or 0xa455
    #[arg(long, value_name = "N", value_parser = chain_id)]
    pub(crate) chain_id: Option<u64>,
    /// Ask nothing; take the defaults
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Start no git repository
    #[arg(long)]
    pub(crate) no_git: bool,
    /// Use the kit from this folder instead of the registry
    #[arg(long, value_name = "DIR")]
    pub(crate) kit_path: Option<PathBuf>,
}

/// `rollwright config`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Config {
    /// The effective values
    Show {
        /// Configuration
        #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
        config: PathBuf,
        /// Say where each value came from
        #[arg(long)]
        origin: bool,
    },
    /// What a key means
    Explain {
        /// Dotted key, such as da.use
        key: String,
    },
    /// Check the configuration and the genesis file
    Validate {
        /// Configuration
        #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
        config: PathBuf,
    },
}

/// `rollwright keys`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key; the file can be read by its owner only
    New {
        /// The file to write
        #[arg(default_value = "keys/sequencer.key")]
        file: PathBuf,
    },
    /// Addresses of the key files in a folder
    List {
        /// The folder
        #[arg(default_value = "keys")]
        folder: PathBuf,
    },
}
