use super::{
    ByteSize, Endpoint, Endpoints, Period, Secret, UtiaPerDay, UtiaPerGas, Wei, WeiPerDay,
};
use rollwright_core::{Address, B256};
use serde::{Deserialize, Serialize};
use std::{net::SocketAddr, path::PathBuf};

/// The version of `rollup.toml` that this crate reads.
pub const SCHEMA: u32 = 1;

macro_rules! section {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

section! {
    /// The whole of `rollup.toml`.
    RollupToml {
        /// Version of the file.
        schema: u32 = SCHEMA,
        /// The chain as people see it.
        chain: ChainSection = ChainSection::default(),
        /// Execution layer.
        execution: ExecutionSection = ExecutionSection::default(),
        /// Data availability.
        da: DaSection = DaSection::default(),
        /// Settlement.
        settlement: SettlementSection = SettlementSection::default(),
        /// Messaging.
        messaging: MessagingSection = MessagingSection::default(),
        /// Making blocks.
        sequencer: SequencerSection = SequencerSection::default(),
        /// Following a sequencer.
        follower: FollowerSection = FollowerSection::default(),
        /// JSON-RPC.
        rpc: RpcSection = RpcSection::default(),
        /// Logs and metrics.
        telemetry: TelemetrySection = TelemetrySection::default(),
    }
}

section! {
    /// `[chain]`
    ChainSection {
        /// Name, for people.
        name: String = "rollup".to_owned(),
        /// Chain id; must be the one of the genesis file.
        id: u64 = 42069,
        /// Time between blocks, or `auto` to make blocks when there is something to put in.
        block_time: BlockTimeSetting = BlockTimeSetting::Every(Period::from_millis(1000)),
        /// Where the node keeps its data.
        data_dir: PathBuf = ".rollwright/data".into(),
    }
}

section! {
    /// `[execution]`
    ExecutionSection {
        /// Execution engine.
        r#use: ExecutionChoice = ExecutionChoice::Evm,
        /// Latest fork that the genesis file activates; checked against it.
        hardfork: String = "osaka".to_owned(),
        /// Genesis file.
        genesis: PathBuf = "genesis.json".into(),
        /// Older states that stay readable: `archive`, or a number of blocks.
        history: HistorySetting = HistorySetting::Blocks(10_000),
        /// Memory for blocks and state, at least 256MiB.
        memory: ByteSize = ByteSize(1 << 30),
    }
}

section! {
    /// `[da]`
    DaSection {
        /// The layer: this one line swaps it.
        r#use: DaChoice = DaChoice::Local,
        /// Longest time that a block waits to be posted.
        batch_interval: Period = Period::from_millis(4000),
        /// Largest batch.
        max_batch: ByteSize = ByteSize(120 << 10),
        /// How long an orderly stop waits until the layer has taken what is not posted.
        stop_wait: Period = Period::from_millis(4000),
        /// How long the layer may take to answer one call.
        timeout: Period = Period::from_millis(30_000),
        /// What settlement and messaging wait for.
        finality: FinalityChoice = FinalityChoice::Final,
        /// What happens while the layer cannot be reached.
        on_failure: OnFailure = OnFailure::Buffer,
        /// What a follower does about an announced amendment that it lacks.
        on_announcement: AnnouncementChoice = AnnouncementChoice::Hold,
        /// Unposted data at which no further transactions are admitted.
        buffer_limit: ByteSize = ByteSize(256 << 20),
        /// Final batches about which is kept where they stand on the layer and what they cost.
        keep_batches: u64 = 1_000_000,
        /// Read-only sources for data that a layer has pruned.
        archive: Vec<String> = Vec::new(),
        /// The embedded layer.
        local: LocalDaSection = LocalDaSection::default(),
        /// Celestia.
        celestia: CelestiaDaSection = CelestiaDaSection::default(),
        /// Ethereum blobs.
        ethereum: EthereumDaSection = EthereumDaSection::default(),
    }
}

impl DaSection {
    /// Reaches a layer at `url` instead: the local layer's server, a Celestia
    /// node, or an L1 for execution and blobs alike.
    pub fn reach(&mut self, layer: DaChoice, url: &str) {
        let endpoint = || Endpoints(vec![Endpoint::Address(url.to_owned())]);
        match layer {
            DaChoice::Local => self.local.url = Some(url.to_owned()),
            DaChoice::Celestia => self.celestia.rpc = endpoint(),
            DaChoice::Ethereum => {
                self.ethereum.rpc = endpoint();
                self.ethereum.beacon = endpoint();
            }
        }
    }
}

section! {
    /// `[da.local]`
    LocalDaSection {
        /// The layer's file.
        path: PathBuf = ".rollwright/da".into(),
        /// A layer that another process serves (`rollwright da serve`), instead of a file.
        url: Option<String> = None,
        /// Time between the layer's blocks.
        block_time: Period = Period::from_millis(2000),
        /// Seed of the faults.
        seed: u64 = 7,
        /// Faults to inject, such as `latency=50ms..2s,refuse=5%`; `none` without.
        faults: String = "none".to_owned(),
    }
}

section! {
    /// `[da.celestia]`
    CelestiaDaSection {
        /// JSON-RPC of Celestia nodes, the preferred one first; none means the embedded devnet of a development chain.
        rpc: Endpoints = Endpoints::default(),
        /// Token for the nodes, with write permission where this node posts.
        token: Option<Secret> = None,
        /// JSON-RPC of nodes that keep every block, asked for what the others pruned.
        archive: Endpoints = Endpoints::default(),
        /// gRPC of consensus nodes, for posting with `signer`.
        grpc: Endpoints = Endpoints::default(),
        /// Secret key of the posting account; without one the first node's own key pays.
        signer: Option<Secret> = None,
        /// Secret keys of further posting accounts.
        accounts: Vec<Secret> = Vec::new(),
        /// The account that pays the fees in the place of `signer`.
        fee_granter: Option<String> = None,
        /// Most that `signer` and `accounts` sign for within 24 hours.
        max_spend: Option<UtiaPerDay> = None,
        /// A header that is trusted without proof.
        checkpoint: Option<CheckpointSetting> = None,
        /// How old the newest trusted header may be when newer ones are judged by it.
        trusting_period: Period = Period::from_millis(9 * 86_400_000),
        /// Price to begin with.
        gas_price: UtiaPerGas = UtiaPerGas::from_micro(4_000),
        /// Price that is never exceeded.
        max_gas_price: UtiaPerGas = UtiaPerGas::from_micro(10_000),
        /// Random shares of the newest block that `da status` asks for; 0 asks for none.
        sampling: u16 = 0,
        /// Time between blocks of the embedded devnet.
        block_time: Period = Period::from_millis(2000),
    }
}

section! {
    /// `[da.ethereum]`
    EthereumDaSection {
        /// Execution nodes' JSON-RPC, the preferred one first.
        rpc: Endpoints = Endpoints::default(),
        /// Beacon nodes, in the order in which they are asked for blobs.
        beacon: Endpoints = Endpoints::default(),
        /// Secret key of the posting account, which is used for nothing else.
        signer: Option<Secret> = None,
        /// Form of the blobs' sidecars.
        sidecar: SidecarSetting = SidecarSetting::Eip7594,
        /// How beacon nodes are asked for a block.
        block_id: BlockIdSetting = BlockIdSetting::Slot,
        /// Length of a slot where no beacon node tells it.
        slot_time: Period = Period::from_millis(12_000),
        /// Blocks that the observed head stays behind the newest.
        confirmations: u64 = 0,
        /// Most that is offered per blob gas.
        max_blob_fee: Wei = Wei(30_000_000_000),
        /// Most that is offered per gas.
        max_gas_fee: Wei = Wei(200_000_000_000),
        /// Highest tip per gas.
        max_tip: Wei = Wei(5_000_000_000),
        /// Most that is bound within 24 hours.
        max_spend: WeiPerDay = WeiPerDay(500_000_000_000_000_000),
        /// Most blobs in one transaction.
        blobs_per_tx: usize = 6,
        /// Whether parts travel as calldata.
        calldata: CalldataSetting = CalldataSetting::Never,
        /// How long blobs that were posted or read are kept.
        keep_blobs: Period = Period::from_millis(30 * 86_400_000),
    }
}

section! {
    /// `[settlement]`
    SettlementSection {
        /// Settlement layer.
        r#use: SettlementChoice = SettlementChoice::None,
    }
}

section! {
    /// `[messaging]`
    MessagingSection {
        /// Messaging layer.
        r#use: MessagingChoice = MessagingChoice::None,
    }
}

section! {
    /// `[sequencer]`
    SequencerSection {
        /// Key that signs batches and the feed; its address stands in the genesis file's key schedule.
        key: Option<Secret> = None,
        /// Receives priority fees; the key's own address by default.
        fee_recipient: Option<Address> = None,
        /// Transactions in the pool.
        pool_transactions: usize = 200_000,
        /// Transactions of one sender in the pool.
        pool_per_sender: usize = 4_096,
    }
}

section! {
    /// `[follower]`
    FollowerSection {
        /// JSON-RPC address that submitted transactions are forwarded to.
        sequencer: Option<String> = None,
        /// Feed that a replica follows, such as `ws://127.0.0.1:8545/feed`.
        feed: Option<String> = None,
    }
}

section! {
    /// `[rpc]`
    RpcSection {
        /// Address of JSON-RPC, health and metrics.
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8545)),
        /// Origins that browsers may call from; `*` for all.
        cors: Vec<String> = Vec::new(),
        /// Largest request body.
        max_body: ByteSize = ByteSize(15 << 20),
        /// Bytes of long requests that are received at the same time.
        max_receiving: ByteSize = ByteSize(128 << 20),
        /// Requests in one batch.
        max_batch: u32 = 1_000,
        /// Open connections.
        max_connections: u32 = 2_048,
        /// Largest answer, of a call and of a whole batch.
        max_response: ByteSize = ByteSize(64 << 20),
        /// Logs that one query answers.
        max_logs: u32 = 20_000,
        /// Blocks that one log query spans.
        max_log_blocks: u64 = 100_000,
        /// Gas that a call or an estimate may use.
        call_gas: u64 = 50_000_000,
        /// How long a call or an estimate may take.
        call_timeout: Period = Period::from_millis(5_000),
        /// Filters that clients poll; beyond, the one unused for longest is forgotten.
        max_filters: u32 = 1_000,
    }
}

section! {
    /// `[telemetry]`
    TelemetrySection {
        /// Filter of log lines: a level, or `target=level` pairs.
        log: String = "info".to_owned(),
        /// `pretty` for people, `json` for machines.
        format: LogFormat = LogFormat::Pretty,
        /// A metrics listener of its own; without it `/metrics` is on the RPC port.
        metrics: Option<SocketAddr> = None,
    }
}

macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[$variant_meta])* $variant,)* }
    };
}

choice! {
    /// Execution engines.
    ExecutionChoice {
        /// Ethereum.
        Evm,
    }
}

choice! {
    /// Data-availability layers.
    DaChoice {
        /// Embedded, in one file.
        Local,
        /// Celestia.
        Celestia,
        /// Ethereum blobs.
        Ethereum,
    }
}

impl DaChoice {
    /// The layer's name in a genesis file, which is also its name here.
    pub const fn layer(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Celestia => "celestia",
            Self::Ethereum => "ethereum",
        }
    }

    /// The layer that a genesis file names; `None` where this kit has none of
    /// that name.
    pub fn of_layer(name: &str) -> Option<Self> {
        [Self::Local, Self::Celestia, Self::Ethereum]
            .into_iter()
            .find(|choice| choice.layer() == name)
    }
}

/// A Celestia header that is trusted without proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointSetting {
    /// Its height.
    pub height: u64,
    /// Its hash, 64 hex digits with or without `0x`.
    pub hash: B256,
}

choice! {
    /// Form of the sidecars of blob transactions.
    SidecarSetting {
        /// With cell proofs, as every L1 since Osaka wants them.
        Eip7594,
        /// With one proof per blob, for private L1s on older software.
        Eip4844,
    }
}

choice! {
    /// How beacon nodes are asked for a block.
    BlockIdSetting {
        /// By slot.
        Slot,
        /// By the beacon block's root.
        Root,
        /// By the execution block's number: anvil.
        Number,
    }
}

choice! {
    /// Whether parts travel as calldata.
    CalldataSetting {
        /// Blobs only.
        Never,
        /// Where that is cheaper, and the chain allows it.
        Cheaper,
    }
}

choice! {
    /// Settlement layers.
    SettlementChoice {
        /// Sovereign.
        None,
    }
}

choice! {
    /// Messaging layers.
    MessagingChoice {
        /// Talks to nobody.
        None,
    }
}

choice! {
    /// How final DA must be.
    FinalityChoice {
        /// Seen.
        Observed,
        /// Cannot be undone.
        Final,
    }
}

choice! {
    /// What happens while a DA layer cannot be reached.
    OnFailure {
        /// Keep making blocks up to `buffer-limit` and the drift bound.
        Buffer,
        /// Stop making blocks.
        Halt,
    }
}

choice! {
    /// What a follower does about an announced amendment that it lacks.
    AnnouncementChoice {
        /// Alarm, and keep safe and finalized head until it is given.
        Hold,
        /// Alarm, and follow a chain without it.
        GoOn,
    }
}

choice! {
    /// Form of log lines.
    LogFormat {
        /// For people.
        Pretty,
        /// For machines.
        Json,
    }
}

/// `1s`, `250ms`, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTimeSetting {
    /// A block each period.
    Every(Period),
    /// A block when there is something to put in.
    Auto,
}

/// `archive`, or the number of blocks whose states stay readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistorySetting {
    /// Every state.
    Archive,
    /// The last this many.
    Blocks(u64),
}

mod text {
    use super::{BlockTimeSetting, HistorySetting, Period};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
    use std::{fmt, str::FromStr};

    impl FromStr for BlockTimeSetting {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            if text == "auto" {
                return Ok(Self::Auto);
            }
            let period: Period = text.parse()?;
            if !(10..=600_000).contains(&period.as_millis()) {
                return Err(format!(
                    "`{text}` is out of range; a block time lies between 10ms and 10m, or is `auto`"
                ));
            }
            Ok(Self::Every(period))
        }
    }

    impl fmt::Display for BlockTimeSetting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self {
                Self::Every(period) => period.fmt(f),
                Self::Auto => f.write_str("auto"),
            }
        }
    }

    impl<'de> Deserialize<'de> for BlockTimeSetting {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer)?
                .parse()
                .map_err(D::Error::custom)
        }
    }

    impl Serialize for BlockTimeSetting {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum NumberOrText {
        Number(u64),
        Text(String),
    }

    impl<'de> Deserialize<'de> for HistorySetting {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match NumberOrText::deserialize(deserializer)? {
                NumberOrText::Number(blocks) => Ok(Self::Blocks(blocks)),
                NumberOrText::Text(text) if text == "archive" => Ok(Self::Archive),
                NumberOrText::Text(text) => Err(D::Error::custom(format!(
                    "`{text}` is neither `archive` nor a number of blocks"
                ))),
            }
        }
    }

    impl Serialize for HistorySetting {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                Self::Archive => serializer.serialize_str("archive"),
                Self::Blocks(blocks) => serializer.serialize_u64(*blocks),
            }
        }
    }
}
