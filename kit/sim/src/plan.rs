use crate::{Death, Draw, Hostile, Rotation, SpellKind};
use std::fmt;

/// Everything that a run is: the same plan gives the same trace. Plain data,
/// so that parts of it can be left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every draw of the run comes from it.
    pub seed: u64,
    /// Ethereum's engine instead of the ledger in memory.
    pub evm: bool,
    /// Time between DA blocks.
    pub block_ms: u64,
    /// DA blocks until one is final.
    pub finality: u64,
    /// Largest blob: what a batch is cut into.
    pub blob_bytes: u64,
    /// Time between rollup blocks; 0 makes them on demand.
    pub rollup_block_ms: u64,
    /// How long a block waits for its batch.
    pub post_ms: u64,
    /// How often, in a thousand polls, a task is put behind the others.
    pub detours: u32,
    /// How often, in a thousand looks, each user sends a transaction.
    pub load: u32,
    /// Faults and load last so long.
    pub length_ms: u64,
    /// The nodes; the first is the sequencer.
    pub nodes: Vec<NodePlan>,
    /// What goes wrong, ascending by time.
    pub events: Vec<Event>,
    /// The sequencer changes its key.
    pub rotation: Option<Rotation>,
    /// Ordinals from which on the chain lives on a further DA layer, ascending.
    pub epochs: Vec<u64>,
    /// A defect, to see that it is found.
    pub sabotage: Option<Sabotage>,
}

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// What it does.
    pub role: SimRole,
    /// When it is first started.
    pub joins_ms: u64,
}

/// What a node does, and what it begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimRole {
    /// Makes blocks.
    Sequencer,
    /// Derives from the first DA block on.
    Follower,
    /// Follows another node's feed, and derives.
    Replica {
        /// Whose feed.
        of: usize,
    },
    /// Derives from where a snapshot of another node ends.
    FromSnapshot {
        /// Whose snapshot.
        of: usize,
    },
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When, in milliseconds since the run began.
    pub at_ms: u64,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A node's process dies, and is started again later.
    Kill {
        /// Which node.
        node: usize,
        /// Where.
        death: Death,
        /// How long it stays down.
        down_ms: u64,
    },
    /// A node is stopped in order, and started again later.
    Stop {
        /// Which node.
        node: usize,
        /// How long it stays down.
        down_ms: u64,
    },
    /// A spell of bad weather.
    Weather {
        /// Whom it meets.
        node: Option<usize>,
        /// How long.
        for_ms: u64,
        /// What it is.
        kind: SpellKind,
    },
    /// The layer takes blocks back.
    Reorganise {
        /// How many; fewer where they are final.
        depth: u64,
        /// How many are made instead, besides as many as were taken back.
        more: u64,
        /// What stood in them is forgotten.
        forget: bool,
    },
    /// The layer forgets what it had taken and not put into a block.
    LoseWaiting,
    /// The layer stops serving blocks older than so many.
    Prune {
        /// How many are kept.
        keep: u64,
    },
    /// A node's clock is wrong.
    Skew {
        /// Which node.
        node: usize,
        /// By how much.
        ms: i64,
        /// How long.
        for_ms: u64,
    },
    /// Hostile blobs.
    Post(Hostile),
}

/// Deliberate defects: each makes one invariant fail, and no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The sequencer's store loses what it was writing when its process dies,
    /// although it had said that it was durable.
    LastWriteIsLost,
    /// The sequencer's engine calls some of the pool's transactions invalid.
    TransactionsAreDropped,
    /// The sequencer posts each unit twice.
    PostsTwice,
    /// The first follower is not shown the last blob of each DA block.
    BlobsAreLeftOut,
    /// The first follower's store is empty after each restart.
    StoreIsLost,
    /// The bookkeeping of value is off: a wei comes from nowhere.
    ValueAppears,
    /// The sequencer's pool takes more than it was told to.
    PoolIsUnbounded,
    /// The first follower's engine fails.
    EngineFails,
    /// The first follower's DA layer shows no blocks above the eighth.
    HeadStandsStill,
    /// Forced transactions do not reach the layer.
    ForcedIsCensored,
    /// The reference is not shown the last blob of the history.
    ReferenceMissesABlob,
}

impl Sabotage {
    /// The node whose layers are broken; none where it is nobody's.
    pub const fn node(self) -> Option<usize> {
        match self {
            Self::LastWriteIsLost
            | Self::TransactionsAreDropped
            | Self::PostsTwice
            | Self::PoolIsUnbounded => Some(0),
            Self::BlobsAreLeftOut
            | Self::StoreIsLost
            | Self::EngineFails
            | Self::HeadStandsStill => Some(1),
            Self::ValueAppears | Self::ForcedIsCensored | Self::ReferenceMissesABlob => None,
        }
    }
}

impl Plan {
    /// A plan in which nothing goes wrong: a sequencer, a follower, a replica.
    pub fn calm(seed: u64) -> Self {
        let node = |role| NodePlan { role, joins_ms: 0 };
        Self {
            seed,
            evm: false,
            block_ms: 1_000,
            finality: 6,
            blob_bytes: 1_024,
            rollup_block_ms: 1_000,
            post_ms: 2_000,
            detours: 0,
            load: 250,
            length_ms: 20_000,
            nodes: vec![
                node(SimRole::Sequencer),
                node(SimRole::Follower),
                node(SimRole::Replica { of: 0 }),
            ],
            events: Vec::new(),
            rotation: None,
            epochs: Vec::new(),
            sabotage: None,
        }
    }

    /// The plan of a seed. Every eighth runs on Ethereum's engine.
    pub fn random(seed: u64) -> Self {
        let mut draw = Draw::new(seed).fork(0);
        let length_ms = draw.between(20, 40) * 1_000;
        let mut plan = Self {
            evm: seed.is_multiple_of(8),
            block_ms: [1_000, 1_000, 2_000, 700][draw.index(4)],
            finality: draw.between(3, 10),
            blob_bytes: [500, 700, 1_024, 4_096][draw.index(4)],
            rollup_block_ms: [1_000, 1_000, 2_000, 0][draw.index(4)],
            post_ms: draw.between(500, 4_000),
            detours: [0, 50, 200, 400][draw.index(4)],
            length_ms,
            ..Self::calm(seed)
        };
        let late = |draw: &mut Draw| draw.between(length_ms / 3, length_ms);
        for _ in 0..draw.between(0, 2) {
            let role = match draw.below(3) {
                0 => SimRole::Follower,
                1 => SimRole::Replica {
                    of: draw.index(plan.nodes.len()),
                },
                _ => SimRole::FromSnapshot { of: draw.index(2) },
            };
            let joins_ms = late(&mut draw);
            plan.nodes.push(NodePlan { role, joins_ms });
        }
        let thief = draw.permille(350);
        for _ in 0..draw.between(3, 14) {
            let at_ms = draw.below(length_ms);
            let what = plan.draw_event(&mut draw, thief);
            plan.events.push(Event { at_ms, what });
        }
        plan.events.sort_by_key(|event| event.at_ms);
        if draw.permille(200) {
            plan.rotation = Some(Rotation::random(&mut draw, plan.block_ms));
        }
        let mut last = 3;
        for _ in 0..[0, 0, 0, 0, 0, 0, 1, 2][draw.index(8)] {
            last += draw.between(1, 14);
            plan.epochs.push(last);
        }
        plan
    }

    fn draw_event(&self, draw: &mut Draw, thief: bool) -> What {
        let node = draw.index(self.nodes.len());
        let someone = draw.permille(600).then_some(node);
        let for_ms = draw.between(1, 20) * 1_000;
        match draw.below(20) {
            0..=4 => What::Kill {
                // The sequencer's are the most interesting.
                node: if draw.permille(500) { 0 } else { node },
                death: match draw.below(4) {
                    0 => Death::BeforeWrite(draw.between(1, 40)),
                    1 => Death::AfterWrite(draw.between(1, 40)),
                    _ => Death::Step(draw.between(1, 400)),
                },
                down_ms: draw.between(1, 15) * 1_000,
            },
            5 => What::Stop {
                node,
                // A long silence of the sequencer's is a lapse.
                down_ms: draw.between(1, 30) * 1_000,
            },
            6..=8 => What::Weather {
                node: someone,
                for_ms,
                kind: match draw.below(5) {
                    0 => SpellKind::Slow(draw.between(100, 4_000)),
                    1 => SpellKind::Refuse(draw.between(100, 900) as u32),
                    2 => SpellKind::LoseAnswers(draw.between(100, 900) as u32),
                    3 => SpellKind::Hang,
                    _ => SpellKind::Behind(draw.between(1, 5)),
                },
            },
            9 | 10 => What::Weather {
                node: None,
                for_ms,
                kind: match draw.below(4) {
                    0 => SpellKind::Stall,
                    1 => SpellKind::Shuffle,
                    2 => SpellKind::Piecemeal,
                    _ => SpellKind::Duplicate(draw.between(50, 400) as u32),
                },
            },
            11..=13 => What::Reorganise {
                depth: draw.between(1, self.finality),
                more: draw.below(3),
                forget: draw.permille(300),
            },
            14 => match draw.below(3) {
                0 => What::Prune {
                    keep: draw.between(2, 12),
                },
                _ => What::LoseWaiting,
            },
            15 => What::Skew {
                node,
                ms: i64::try_from(draw.below(20_000)).unwrap_or(0) - 10_000,
                for_ms,
            },
            _ if thief => What::Post(Hostile::THIEF[draw.index(Hostile::THIEF.len())]),
            _ => What::Post(Hostile::ANYBODY[draw.index(Hostile::ANYBODY.len())]),
        }
    }

    /// A short run in which one process dies at one place.
    pub fn dying(node: usize, death: Death) -> Self {
        let mut plan = Self::calm(1);
        plan.length_ms = 9_000;
        plan.events.push(Event {
            at_ms: 2_000,
            what: What::Kill {
                node,
                death,
                down_ms: 1_000,
            },
        });
        plan
    }

    /// How much there is of it: what shrinking makes smaller.
    pub fn size(&self) -> usize {
        self.events.len() * 4
            + self.nodes.len()
            + usize::from(self.rotation.is_some()) * 3
            + self.epochs.len() * 3
            + usize::from(self.detours > 0)
            + usize::try_from(self.length_ms / 5_000).unwrap_or(0)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} for {} s; DA blocks every {} ms, final at depth {}, blobs of {} bytes; blocks every {} ms, posted after {} ms; {} detours in 1000 polls{}",
            self.seed,
            if self.evm { "Ethereum" } else { "ledger" },
            self.length_ms / 1_000,
            self.block_ms,
            self.finality,
            self.blob_bytes,
            self.rollup_block_ms,
            self.post_ms,
            self.detours,
            self.sabotage
                .map(|sabotage| format!("; sabotage {sabotage:?}"))
                .unwrap_or_default(),
        )?;
        for (node, index) in self.nodes.iter().zip(0..) {
            writeln!(f, "  n{index}: {:?} from {} ms", node.role, node.joins_ms)?;
        }
        if let Some(rotation) = &self.rotation {
            writeln!(
                f,
                "  second key from ordinal {}, alone from {}; the sequencer changes at {} ms",
                rotation.both_from, rotation.second_from, rotation.at_ms
            )?;
        }
        for ordinal in &self.epochs {
            writeln!(f, "  another DA layer from ordinal {ordinal} on")?;
        }
        for event in &self.events {
            writeln!(f, "  at {} ms: {:?}", event.at_ms, event.what)?;
        }
        Ok(())
    }
}
