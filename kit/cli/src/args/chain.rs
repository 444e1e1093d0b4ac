use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `rollwright chain`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Chain {
    /// In what the chain differs from Ethereum
    Eips(ChainFile),
    /// Hashes, forks, EIPs, precompiles and contracts of the chain
    Show(ChainFile),
    /// Put well-known contracts into a genesis file: RIP-7740's deployers, RIP-7859
    Preinstall(ChainPreinstall),
}

/// The genesis file of a chain.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainFile {
    /// The genesis file
    #[arg(value_name = "FILE", default_value = "genesis.json")]
    pub(crate) genesis: PathBuf,
}

/// `rollwright chain preinstall`
#[derive(Clone, Debug, Args)]
pub(crate) struct ChainPreinstall {
    /// The genesis file; the genesis hash becomes another
    #[arg(value_name = "FILE", default_value = "genesis.json")]
    pub(crate) genesis: PathBuf,
    /// A file with CreateX's runtime code in hexadecimal, which is put there too; its hash is checked
    #[arg(long, value_name = "FILE")]
    pub(crate) create_x: Option<PathBuf>,
    /// The contract with RIP-7859's getters too, for a rollup on Ethereum
    #[arg(long)]
    pub(crate) l1_origin: bool,
}
