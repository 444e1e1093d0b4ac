//! What can be typed.

mod chain;
mod da;
mod data;
#[cfg(feature = "celestia")]
mod light;
mod node;
mod project;
mod tools;
mod values;

pub(crate) use chain::{Chain, ChainPreinstall};
pub(crate) use da::{Da, DaCheck, DaTail, DaUse, ForceInclude, Target};
pub(crate) use data::{Evidence, Import, Serve, Snapshot, Verify};
#[cfg(feature = "celestia")]
pub(crate) use light::Light;
#[cfg(feature = "celestia")]
pub(crate) use node::CelestiaDevnet;
pub(crate) use node::{Dev, DevDa, RoleName, Run};
pub(crate) use project::{Config, Keys, New, Template};
pub(crate) use tools::{Completions, Evm, Explain, Rpc, RpcMethods, Tests};
pub(crate) use values::{DaUrl, Port};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Build, run and check an EVM rollup whose blocks live on a DA layer.
#[derive(Debug, Parser)]
#[command(name = "rollwright", version, about, long_about = None, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// One JSON envelope a line on stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// More log lines; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Results and errors only
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a development rollup: funded accounts, JSON-RPC, its own DA layer
    Dev(Dev),
    /// Generate a rollup project
    New(New),
    /// Run a node from rollup.toml
    Run(Run),
    /// Derive the whole chain again from DA alone and compare every block
    Verify(Verify),
    /// Post signed transactions to the forced lane of the DA layer
    ForceInclude(ForceInclude),
    /// The final state in one file
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// What a replica keeps against a feed that DA contradicts
    #[command(subcommand)]
    Evidence(Evidence),
    /// The DA layer
    #[command(subcommand)]
    Da(Da),
    /// Run a Celestia network in this process, with the JSON-RPC of a Celestia node
    #[cfg(feature = "celestia")]
    CelestiaDevnet(CelestiaDevnet),
    /// Sample Celestia's blocks: one is available once random shares of it were given with proofs
    #[cfg(feature = "celestia")]
    Light(Light),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// The chain's rules, as its genesis file has them
    #[command(subcommand)]
    Chain(Chain),
    /// Keys that sign batches
    #[command(subcommand)]
    Keys(Keys),
    /// JSON-RPC
    #[command(subcommand)]
    Rpc(Rpc),
    /// What an error code means and what to do
    Explain(Explain),
    /// Import a chain of Ethereum's own blocks from a file
    Import(Import),
    /// Answer for an imported chain over JSON-RPC
    Serve(Serve),
    /// Ethereum's published tests
    #[command(subcommand)]
    Evm(Evm),
    /// Shell completions
    Completions(Completions),
    /// The version
    Version,
}
