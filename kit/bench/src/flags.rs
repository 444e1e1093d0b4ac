use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// What is measured, and with what.
#[derive(Clone, Debug, Parser)]
#[command(name = "rollwright-bench", about, max_term_width = 100)]
pub struct Flags {
    /// What to measure.
    #[command(subcommand)]
    pub scenario: Scenario,
    /// The `rollwright` command [default: the release build of this workspace,
    /// made if it is missing]
    #[arg(long, global = true, value_name = "FILE")]
    pub rollwright: Option<PathBuf>,
    /// The `anvil` command [default: the npm package, installed if it is
    /// missing]
    #[arg(long, global = true, value_name = "FILE")]
    pub anvil: Option<PathBuf>,
    /// Measure Rollwright alone.
    #[arg(long, global = true)]
    pub alone: bool,
    /// How often each node is measured; the nodes take turns.
    #[arg(long, global = true, default_value_t = 3, value_name = "N")]
    pub rounds: u32,
    /// Connections of the load generator.
    #[arg(long, global = true, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub connections: u32,
    /// Write the figures here too, as JSON.
    #[arg(long, global = true, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

/// One kind of measurement.
#[derive(Clone, Debug, Subcommand)]
pub enum Scenario {
    /// Transactions as fast as the node takes them: CPU, throughput, memory.
    Sustained {
        /// Transactions in a round.
        #[arg(long, default_value_t = 20_000, value_name = "N")]
        transactions: usize,
        /// Calls in a request.
        #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
        batch: u32,
        /// Token transfers instead of plain ones.
        #[arg(long)]
        erc20: bool,
        /// Time between blocks, in milliseconds.
        #[arg(long, default_value_t = 1_000, value_name = "MS")]
        block_time: u64,
        /// Transactions a second, however fast the node answers (an open
        /// loop); without it each connection sends when it has its answer.
        #[arg(long, value_name = "N")]
        rate: Option<u32>,
    },
    /// Many transfers at once, in batches of 100: is every one included?
    Burst {
        /// Transactions.
        #[arg(long, default_value_t = 60_000, value_name = "N")]
        transactions: usize,
    },
    /// Blocks on demand under a steady open loop: time to inclusion.
    Demand {
        /// Transactions a second.
        #[arg(long, default_value_t = 100, value_name = "N")]
        rate: u32,
        /// How long, in seconds.
        #[arg(long, default_value_t = 10, value_name = "S")]
        seconds: u32,
    },
    /// CPU per request of frequent reads.
    Reads {
        /// Seconds for each method.
        #[arg(long, default_value_t = 2, value_name = "S")]
        seconds: u32,
        /// Only those whose name holds this.
        #[arg(long, default_value = "", value_name = "TEXT")]
        only: String,
    },
    /// From the start of the process to the first answer and the first block.
    Start,
    /// Derives a full history again from the DA layer alone.
    Derive {
        /// Transfers in the history.
        #[arg(long, default_value_t = 60_000, value_name = "N")]
        transactions: usize,
    },
    /// How figures grow with connections, and with blocks behind.
    Growth {
        /// Blocks that a joining node is behind.
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "1,100,10000",
            value_name = "N,N"
        )]
        behind: Vec<u64>,
        /// Connections of the load generator.
        #[arg(
            long,
            value_delimiter = ',',
            default_value = "1,16,256",
            value_name = "N,N"
        )]
        over: Vec<u32>,
    },
    /// A thousand connections, slow and greedy clients: does it stay
    /// responsive, and bounded?
    Overload {
        /// Connections of each kind.
        #[arg(long, default_value_t = 1_000, value_name = "N")]
        clients: usize,
        /// How long, in seconds.
        #[arg(long, default_value_t = 10, value_name = "S")]
        seconds: u32,
    },
}
