//! A node that starts again over records that are not what it wrote.

use crate::{Memory, Seed, Target};
use alloy_primitives::{Address, B256, Bytes};
use arbitrary::{Arbitrary, Unstructured};
use rollwright_core::{
    ChainStore as _, Clock, DaFinality, Execution as _, Heads, LayerError as _, Layers,
    NodeApi as _, RecordChange, Rollup,
    memory::{MemoryDa, MemoryDaConfig, MemoryExecution, MemoryTx, Mining, NoMessaging, Sovereign},
};
use rollwright_derive::{CodecId, Derivable as _, DevChain, RollupConfig, Rules, memory_genesis};
use rollwright_node::{
    Node, NodeConfig, NodeError, NodeHandle, SequencerConfig, SequencerKey, feed_evidence,
    snapshot_origin,
};
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

/// Damage to the records of a sequencer that has worked for a while.
pub(super) const RECORDS: Target = Target {
    name: "node-records",
    about: "A node over damaged records refuses to start with a code, or starts, goes on and stops.",
    run: records,
    seeds: || {
        let mut seeds = vec![Seed::new("intact", vec![])];
        for (kind, name) in [
            (0u8, "flip"),
            (50, "cut"),
            (100, "remove"),
            (140, "replace"),
            (200, "insert"),
        ] {
            for row in [0u8, 40, 90, 150] {
                seeds.push(Seed::new(
                    format!("{name}-{row}"),
                    vec![1, row, row, 0, kind, 0, kind, 7, 0, 1, 2],
                ));
            }
        }
        seeds
    },
    max_len: 256,
    memory: Memory {
        base: 64 << 20,
        per_byte: 4 << 10,
    },
    words: &[
        b"node/pool/",
        b"node/batch/",
        b"node/identity",
        b"node/fee/",
        b"node/feed/",
        b"node/evidence/",
        b"node/snapshot",
        b"derive/s",
        b"derive/u",
        b"derive/bh",
        b"derive/bf",
    ],
};

#[derive(Debug)]
pub(super) struct Chain;

impl Rollup for Chain {
    type Execution = MemoryExecution;
    type Da = MemoryDa;
    type Settlement = Sovereign;
    type Messaging = NoMessaging;
}

/// Tokio's paused time: it moves on once everything waits.
#[derive(Clone, Debug)]
pub(super) struct Virtual(pub(super) tokio::time::Instant);

impl Clock for Virtual {
    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + self.0.elapsed().as_millis() as u64
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[derive(Arbitrary, Debug)]
struct Damage {
    row: u16,
    how: How,
}

#[derive(Arbitrary, Debug)]
enum How {
    Flip {
        at: u16,
        bits: u8,
    },
    Cut {
        at: u16,
    },
    Remove,
    Replace(Vec<u8>),
    Insert {
        prefix: u8,
        key: Vec<u8>,
        value: Vec<u8>,
    },
}

const PREFIXES: &[&[u8]] = &[
    b"node/pool/",
    b"node/batch/",
    b"node/identity",
    b"node/fee/",
    b"node/feed/",
    b"node/evidence/",
    b"node/snapshot",
    b"derive/s",
    b"derive/u",
    b"derive/bh",
    b"derive/bf",
    b"",
];

fn records(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let follower = u8::arbitrary(&mut source).unwrap_or(0) % 2 == 0;
    let mut damages = Vec::new();
    while !source.is_empty() && damages.len() < 4 {
        match Damage::arbitrary(&mut source) {
            Ok(damage) => damages.push(damage),
            Err(_) => break,
        }
    }
    virtually(restart(follower, &damages));
}

/// A chain whose sequencer has worked for a while and stopped.
pub(super) struct Stage {
    pub(super) clock: Virtual,
    pub(super) rules: Rules,
    pub(super) da: MemoryDa,
    pub(super) engine: MemoryExecution,
    pub(super) sequencer: SequencerConfig,
    /// The sequencer's heads when it stopped.
    pub(super) heads: Heads,
}

impl Stage {
    /// On a runtime whose time is paused.
    pub(super) async fn new() -> Self {
        let clock = Virtual(tokio::time::Instant::now());
        let key = SequencerKey::from_bytes(B256::repeat_byte(7)).expect("a valid key");
        let mut config = RollupConfig::dev(DevChain {
            network: "memory".into(),
            da_block_time_ms: 1_000,
            sequencer: key.address(),
            fee_vault: Address::repeat_byte(0xfe),
            ..DevChain::default()
        });
        config.da.layer = "memory".into();
        config.codecs = vec![CodecId::NONE];
        config.limits.block_bytes = 4 << 20;
        let da = MemoryDa::new(MemoryDaConfig {
            mining: Mining::ByClock(Arc::new(clock.clone())),
            finality: DaFinality::Depth(3),
            block_time: Duration::from_secs(1),
            ..MemoryDaConfig::default()
        });
        let engine = MemoryExecution::new(memory_genesis(&config));
        let genesis = engine.genesis().await.expect("a genesis");
        let rules = Rules::new(genesis.hash, engine.config_digest(), config, Vec::new());
        let mut sequencer = SequencerConfig::new(key);
        sequencer.post.interval = Duration::from_secs(2);
        let mut stage = Self {
            clock,
            rules: rules.expect("valid rules"),
            da,
            engine,
            sequencer,
            heads: Heads::all(genesis),
        };
        let role = NodeConfig::sequencer(stage.sequencer.clone());
        let node = stage.node(&stage.engine, role).run().await;
        let node = node.expect("a new chain");
        for nonce in 0..3 {
            let _ = node.api().submit(transfer(nonce)).await;
            tokio::time::sleep(Duration::from_millis(2_100)).await;
        }
        // One that waits for its predecessor.
        let _ = node.api().submit(transfer(9)).await;
        node.shutdown().await.expect("stops");
        stage.heads = node.heads();
        stage
    }

    /// A node of the chain over an engine of its own, not started.
    pub(super) fn node(&self, engine: &MemoryExecution, config: NodeConfig) -> Node<Chain> {
        let layers = Layers {
            execution: engine.clone(),
            da: self.da.clone(),
            settlement: Sovereign::new(),
            messaging: NoMessaging,
        };
        Node::new(layers, config, self.clock.clone())
    }

    /// An engine at genesis.
    pub(super) fn engine(&self) -> MemoryExecution {
        MemoryExecution::new(memory_genesis(self.rules.config()))
    }
}

/// Runs to the end in virtual time.
pub(super) fn virtually(future: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(future);
}

async fn restart(follower: bool, damages: &[Damage]) {
    let stage = Stage::new().await;
    let engine = &stage.engine;
    apply(engine, damages);
    let _ = (told(feed_evidence(engine)), told(snapshot_origin(engine)));
    let role = if follower {
        NodeConfig::follower()
    } else {
        NodeConfig::sequencer(stage.sequencer.clone())
    };
    if let Some(node) = told(stage.node(engine, role).run().await) {
        tokio::time::sleep(Duration::from_millis(3_100)).await;
        observe(&node, damages.is_empty()).await;
    } else {
        assert!(
            !damages.is_empty(),
            "a node does not start over its own records"
        );
    }
}

async fn observe(node: &NodeHandle, intact: bool) {
    let status = node.status();
    let _ = (node.pool_content(16), node.batch_of(1), status);
    let stopped = node.shutdown().await;
    let failed = told(stopped).is_none();
    assert!(!(failed && intact), "a node over its own records fails");
}

fn told<T>(result: Result<T, NodeError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(error.code().starts_with("RW-"), "{}", error.code());
            assert!(!error.to_string().is_empty());
            None
        }
    }
}

fn transfer(nonce: u64) -> Bytes {
    let (from, to) = (Address::repeat_byte(1), Address::repeat_byte(2));
    MemoryTx::transfer(from, nonce, to, 5).encode()
}

fn apply(engine: &MemoryExecution, damages: &[Damage]) {
    let rows = engine.records(b"", b"", usize::MAX).expect("records");
    let mut changes = Vec::new();
    for damage in damages {
        if let How::Insert { prefix, key, value } = &damage.how {
            let prefix = PREFIXES[usize::from(*prefix) % PREFIXES.len()];
            let key: Vec<u8> = prefix.iter().chain(key.iter().take(100)).copied().collect();
            changes.push(RecordChange::put(key, value.clone()));
            continue;
        }
        let Some(at) = usize::from(damage.row).checked_rem(rows.len()) else {
            continue;
        };
        let (key, value) = &rows[at];
        let mut value = value.to_vec();
        match &damage.how {
            How::Flip { at, bits } => {
                if let Some(at) = usize::from(*at).checked_rem(value.len()) {
                    value[at] ^= bits;
                }
            }
            How::Cut { at } => value.truncate(usize::from(*at)),
            How::Replace(bytes) => value.clone_from(bytes),
            How::Remove | How::Insert { .. } => {
                changes.push(RecordChange::delete(key.clone()));
                continue;
            }
        }
        changes.push(RecordChange::put(key.clone(), value));
    }
    engine.put_records(&changes).expect("memory takes them");
}
