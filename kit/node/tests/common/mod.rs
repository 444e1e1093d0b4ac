//! A small world: one DA layer in memory, nodes over it, and virtual time.
//!
//! Time is tokio's paused time: it moves on by itself to the next timer once
//! every task waits, so nothing here takes real time or depends on it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses another part"
)]

pub mod mortal;
pub mod wire;

use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{
    BlobRef, BlockRef, Clock, DaBlock, DaBlockId, DaCaps, DaClaim, DaFinality, DaHead, DaHeader,
    DaHeight, DataAvailability, ErrorKind, Execution, Fee, Heads, LayerError, Layers, NodeApi,
    PostingUnit, Proof, Rollup, Submission, UnitId,
    memory::{
        MemoryDa, MemoryDaConfig, MemoryDaError, MemoryExecution, MemoryGenesis, MemoryTx, Mining,
        NoMessaging, Sovereign,
    },
};
use rollwright_derive::{CodecId, DevChain, RollupConfig, memory_genesis};
use rollwright_node::{
    BlockTime, Node, NodeConfig, NodeError, NodeHandle, RoleConfig, SequencerConfig, SequencerKey,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    num::NonZeroU64,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub const START_MS: u64 = 1_700_000_000_000;

#[derive(Clone, Debug)]
pub struct TestClock(tokio::time::Instant);

impl TestClock {
    pub fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        START_MS + self.0.elapsed().as_millis() as u64
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Switches of a layer.
#[derive(Debug, Default)]
pub struct Switches {
    /// Methods whose calls are never answered.
    pub hang: BTreeSet<&'static str>,
    /// What is submitted reaches the layer, whose answer never comes.
    pub hang_after_submit: bool,
    /// What each unit costs.
    pub fee: Option<Fee>,
    /// Calls so far, by method.
    pub calls: BTreeMap<&'static str, u64>,
}

/// The layer, with switches that make it refuse or hang, and a memory of all
/// units.
#[derive(Clone, Debug)]
pub struct TestDa {
    pub inner: MemoryDa,
    pub refuses: Arc<AtomicBool>,
    pub switches: Arc<Mutex<Switches>>,
    pub submitted: Arc<Mutex<BTreeMap<UnitId, PostingUnit>>>,
}

#[derive(Debug, thiserror::Error)]
pub enum TestDaError {
    #[error(transparent)]
    Layer(#[from] MemoryDaError),
    #[error("the layer is not willing")]
    Unwilling,
}

impl LayerError for TestDaError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Layer(error) => error.kind(),
            Self::Unwilling => ErrorKind::Temporary,
        }
    }

    fn code(&self) -> &'static str {
        "RW-TEST-001"
    }
}

impl TestDa {
    async fn enter(&self, method: &'static str) {
        let hangs = {
            let mut switches = self.switches.lock().unwrap();
            *switches.calls.entry(method).or_default() += 1;
            switches.hang.contains(method)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
    }
}

impl DataAvailability for TestDa {
    type Error = TestDaError;

    fn caps(&self) -> DaCaps {
        self.inner.caps()
    }

    async fn head(&self) -> Result<DaHead, TestDaError> {
        self.enter("head").await;
        Ok(self.inner.head().await?)
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, TestDaError> {
        self.enter("submit").await;
        if self.refuses.load(Ordering::SeqCst) {
            return Err(TestDaError::Unwilling);
        }
        self.submitted.lock().unwrap().insert(unit.id, unit.clone());
        let mut submission = self.inner.submit(unit).await?;
        let hangs = {
            let switches = self.switches.lock().unwrap();
            submission.fee = switches.fee.clone().or(submission.fee);
            switches.hang_after_submit
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        Ok(submission)
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, TestDaError> {
        self.enter("fetch").await;
        Ok(self.inner.fetch(height, hash).await?)
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, TestDaError> {
        Ok(self.inner.header(height).await?)
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, TestDaError> {
        Ok(self.inner.prove(blob).await?)
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), TestDaError> {
        Ok(self.inner.verify(header, claim, proof)?)
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, TestDaError> {
        self.enter("is_canonical").await;
        Ok(self.inner.is_canonical(block).await?)
    }
}

#[derive(Debug)]
pub struct TestRollup;

impl Rollup for TestRollup {
    type Execution = MemoryExecution;
    type Da = TestDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

pub struct World {
    pub da: TestDa,
    pub genesis: MemoryGenesis,
    pub key: SequencerKey,
}

pub fn key(byte: u8) -> SequencerKey {
    SequencerKey::from_bytes(B256::repeat_byte(byte)).unwrap()
}

impl World {
    /// One-second DA blocks that come with the clock, final at depth 8.
    pub fn new(clock: impl Clock, change: impl FnOnce(&mut RollupConfig)) -> Self {
        Self::with_blocks(clock, Duration::from_secs(1), change)
    }

    pub fn with_blocks(
        clock: impl Clock,
        block_time: Duration,
        change: impl FnOnce(&mut RollupConfig),
    ) -> Self {
        // What nodes log is shown with a test that fails.
        let _ = tracing_subscriber::fmt()
            .with_test_writer()
            .without_time()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .try_init();
        let key = key(7);
        let mut config = RollupConfig::dev(DevChain {
            network: "memory".into(),
            da_block_time_ms: block_time.as_millis() as u64,
            sequencer: key.address(),
            fee_vault: Address::repeat_byte(0xfe),
            ..DevChain::default()
        });
        config.da.layer = "memory".into();
        config.limits.block_bytes = 4 << 20;
        config.codecs = vec![CodecId::NONE];
        change(&mut config);
        let da = MemoryDa::new(MemoryDaConfig {
            mining: Mining::ByClock(Arc::new(clock)),
            finality: DaFinality::Depth(8),
            block_time,
            ..MemoryDaConfig::default()
        });
        Self {
            da: TestDa {
                inner: da,
                refuses: Arc::default(),
                switches: Arc::default(),
                submitted: Arc::default(),
            },
            genesis: memory_genesis(&config),
            key,
        }
    }

    pub fn engine(&self) -> MemoryExecution {
        MemoryExecution::new(self.genesis.clone())
    }

    pub fn layers(&self, execution: &MemoryExecution) -> Layers<TestRollup> {
        Layers {
            execution: execution.clone(),
            da: self.da.clone(),
            settlement: Sovereign::new(),
            messaging: NoMessaging,
        }
    }

    pub fn sequencer_config(&self) -> SequencerConfig {
        let mut config = SequencerConfig::new(self.key.clone());
        config.post.interval = Duration::from_secs(2);
        config
    }

    pub async fn sequencer(&self, execution: &MemoryExecution, clock: &TestClock) -> NodeHandle {
        self.start(
            execution,
            clock,
            NodeConfig::sequencer(self.sequencer_config()),
        )
        .await
        .unwrap()
    }

    pub async fn follower(&self, execution: &MemoryExecution, clock: &TestClock) -> NodeHandle {
        self.start(execution, clock, NodeConfig::follower())
            .await
            .unwrap()
    }

    pub async fn start(
        &self,
        execution: &MemoryExecution,
        clock: &TestClock,
        config: NodeConfig,
    ) -> Result<NodeHandle, NodeError> {
        Node::start(self.layers(execution), config, clock.clone()).await
    }

    /// A node whose process dies at a write of its store.
    pub async fn start_mortal(
        &self,
        execution: &mortal::Mortal,
        clock: &TestClock,
        config: NodeConfig,
    ) -> Result<NodeHandle, NodeError> {
        let layers: Layers<mortal::MortalRollup> = Layers {
            execution: execution.clone(),
            da: self.da.clone(),
            settlement: Sovereign::new(),
            messaging: NoMessaging,
        };
        Node::start(layers, config, clock.clone()).await
    }

    /// The same chain on the same layer, which refuses by a switch of its own.
    pub fn twin(&self) -> Self {
        Self {
            da: TestDa {
                refuses: Arc::default(),
                switches: Arc::default(),
                ..self.da.clone()
            },
            genesis: self.genesis.clone(),
            key: self.key.clone(),
        }
    }

    /// Makes the layer never answer these methods.
    pub fn hang(&self, methods: &[&'static str]) {
        self.da.switches.lock().unwrap().hang = methods.iter().copied().collect();
    }

    /// Calls of a method so far.
    pub fn calls(&self, method: &str) -> u64 {
        let switches = self.da.switches.lock().unwrap();
        switches.calls.get(method).copied().unwrap_or_default()
    }

    /// Makes the layer refuse what is posted, or take it again.
    pub fn refuse(&self, refuses: bool) {
        self.da.refuses.store(refuses, Ordering::SeqCst);
    }

    /// Every blob of the rollup that stands on the canonical DA chain.
    pub async fn posted(&self) -> Vec<Bytes> {
        let head = self.da.inner.head().await.unwrap().observed.height;
        let mut blobs = Vec::new();
        for height in 0..=head.0 {
            let block = self.da.inner.fetch(DaHeight(height), None).await.unwrap();
            blobs.extend(block.blobs.into_iter().map(|blob| blob.data));
        }
        blobs
    }
}

pub fn on_demand(mut config: SequencerConfig) -> SequencerConfig {
    config.block_time = BlockTime::Auto;
    config
}

pub fn every(mut config: SequencerConfig, ms: u64) -> SequencerConfig {
    config.block_time = BlockTime::IntervalMs(NonZeroU64::new(ms).unwrap());
    config
}

pub fn account(byte: u8) -> Address {
    Address::repeat_byte(byte)
}

pub fn transfer(from: u8, nonce: u64, to: u8) -> Bytes {
    MemoryTx::transfer(account(from), nonce, account(to), 1_000).encode()
}

/// Makes blocks until the latest has this number.
pub async fn mine_to(node: &NodeHandle, number: u64) {
    while latest(node).number < number {
        assert!(node.mine().await, "{:?}", node.status().blocked);
    }
}

pub trait StoppedByNow {
    fn stopped_by_now(&self) -> Option<()>;
}

impl StoppedByNow for NodeHandle {
    fn stopped_by_now(&self) -> Option<()> {
        use futures_util::FutureExt;
        self.stopped().now_or_never().map(|_| ())
    }
}

/// Waits, in virtual time, until something holds; panics after an hour of it.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..36_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("an hour has passed and it is still not so: {what}");
}

pub async fn until_safe(node: &NodeHandle, number: u64) {
    until("the safe head is high enough", || {
        node.heads().safe.number >= number
    })
    .await;
}

/// The canonical block hashes of a store from genesis up to a number.
pub fn hashes(execution: &MemoryExecution, up_to: u64) -> Vec<B256> {
    use rollwright_core::{BlockId, ChainStore};
    (0..=up_to)
        .map(|number| {
            execution
                .block(BlockId::Number(number))
                .unwrap()
                .unwrap()
                .block
                .hash
        })
        .collect()
}

/// Numbers of the canonical blocks that contain the transaction.
pub fn containing(execution: &MemoryExecution, transaction: &Bytes) -> Vec<u64> {
    use rollwright_core::{BlockId, ChainStore};
    let latest = execution.heads().unwrap().latest.number;
    (1..=latest)
        .filter(|number| {
            let block = execution.block(BlockId::Number(*number)).unwrap().unwrap();
            block.transactions.contains(transaction) || block.forced_included.contains(transaction)
        })
        .collect()
}

/// All ordinary transactions of the canonical chain in order.
pub fn all_transactions(execution: &MemoryExecution) -> Vec<Bytes> {
    use rollwright_core::{BlockId, ChainStore};
    let latest = execution.heads().unwrap().latest.number;
    (1..=latest)
        .flat_map(|number| {
            execution
                .block(BlockId::Number(number))
                .unwrap()
                .unwrap()
                .transactions
        })
        .collect()
}

pub fn latest(node: &NodeHandle) -> BlockRef {
    node.heads().latest
}

pub fn role_of(config: &NodeConfig) -> &RoleConfig {
    &config.role
}

pub async fn genesis(execution: &MemoryExecution) -> BlockRef {
    execution.genesis().await.unwrap()
}

pub fn heads(node: &NodeHandle) -> Heads {
    node.heads()
}
