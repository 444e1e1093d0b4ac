//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use rollwright::config::BlockTimeSetting;
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

/// A chain id in decimal or hexadecimal digits; one that every client can
/// hold, a safe integer of JavaScript.
fn chain_id(text: &str) -> Result<u64, String> {
    const LARGEST: u64 = (1 << 53) - 1;
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    match u64::from_str_radix(digits, radix) {
        Ok(id) if (1..=LARGEST).contains(&id) && !digits.starts_with('+') => Ok(id),
        Ok(_) => Err(format!("a chain id lies between 1 and {LARGEST}")),
        Err(_) => Err("write a chain id as 42069 or 0xa455".to_owned()),
    }
}

/// A DA block time for which the rules of a development chain hold.
fn da_block_time(text: &str) -> Result<rollwright::config::Period, String> {
    let period: rollwright::config::Period = text.parse()?;
    let range = rollwright::dev::DA_BLOCK_TIME_MS;
    if range.contains(&period.as_millis()) {
        return Ok(period);
    }
    let limit = rollwright::config::Period::from_millis;
    Err(format!(
        "a development chain's DA block time lies between {} and {}",
        limit(*range.start()),
        limit(*range.end())
    ))
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
    CelestiaDevnet(CelestiaDevnet),
    /// Sample Celestia's blocks: one is available once random shares of it were given with proofs
    Light(Light),
    /// The configuration
    #[command(subcommand)]
    Config(Config),
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

/// `rollwright celestia-devnet`
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

/// A port, or a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Port {
    /// This one.
    Fixed(u16),
    /// Any that is free.
    Auto,
}

impl Port {
    /// The number to listen on; 0 takes a free one.
    pub(crate) const fn number(self) -> u16 {
        match self {
            Self::Fixed(port) => port,
            Self::Auto => 0,
        }
    }
}

impl std::str::FromStr for Port {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" | "0" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Fixed)
                .map_err(|_| format!("`{text}` is neither a port (1 to 65535) nor `auto`")),
        }
    }
}

/// DA layers of this binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DaLayer {
    /// Embedded, in one file: free, final after a few blocks
    Local,
}

/// DA layers of `rollwright dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DevDa {
    /// Embedded, in one file: free, final after a few blocks
    Local,
    /// A Celestia network in this process: squares, headers and proofs are real
    Celestia,
    /// Blobs on a development L1: anvil, which must be installed
    Ethereum,
}

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
    pub(crate) da: Option<DaLayer>,
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
    /// Local DA layer that another process serves, instead of da.local
    #[arg(long, value_name = "URL")]
    pub(crate) da_url: Option<String>,
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

/// `rollwright verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Check the stored state instead: recompute every root from accounts and slots
    #[arg(long)]
    pub(crate) state: bool,
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

/// Which chain a command is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct Target {
    /// Data directory of the chain
    #[arg(long, value_name = "DIR")]
    pub(crate) datadir: Option<PathBuf>,
    /// Configuration, where no data directory is given
    #[arg(long, value_name = "FILE", default_value = "rollup.toml")]
    pub(crate) config: PathBuf,
    /// DA layer that another process serves
    #[arg(long, value_name = "URL")]
    pub(crate) da_url: Option<String>,
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
        /// DA layer that another process serves, instead of a file in the data directory
        #[arg(long, value_name = "URL")]
        da_url: Option<String>,
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
        /// DA layer that another process serves
        #[arg(long, value_name = "URL")]
        da_url: Option<String>,
    },
}

/// `rollwright da`
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Da {
    /// Network, head, finality and our blobs
    Status {
        #[command(flatten)]
        target: Target,
    },
    /// Our blobs as they arrive, decoded
    Tail {
        #[command(flatten)]
        target: Target,
        /// Start at this height [default: the newest, or the oldest with --no-follow]
        #[arg(long, value_name = "HEIGHT")]
        from: Option<u64>,
        /// Stop at the newest block instead of waiting for more
        #[arg(long)]
        no_follow: bool,
    },
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
