//! What stands beside a chain.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `rollwright rpc`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Rpc {
    /// The methods that a node answers
    Methods(RpcMethods),
}

/// `rollwright rpc methods`
#[derive(Clone, Debug, Args)]
pub(crate) struct RpcMethods {
    /// Ask a running node, such as http://127.0.0.1:8545 [default: all that the stock node knows]
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// As a table in Markdown
    #[arg(long, conflicts_with = "url")]
    pub(crate) markdown: bool,
}

/// `rollwright explain`
#[derive(Clone, Debug, Args)]
pub(crate) struct Explain {
    /// An error code, such as RW-CFG-003; without one, all codes
    pub(crate) code: Option<String>,
}

/// `rollwright completions`
#[derive(Clone, Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

/// `rollwright evm`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Evm {
    /// Run state tests: one transaction on a state, for several forks
    Statetest(Tests),
    /// Run blockchain tests: blocks on a genesis block
    Blocktest(Tests),
}

/// `rollwright evm statetest`, `rollwright evm blocktest`
#[derive(Clone, Debug, Args)]
pub(crate) struct Tests {
    /// Fail where something was refused for another reason than the expected
    #[arg(long)]
    pub(crate) strict: bool,
    /// Files, or folders with .json files
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}
