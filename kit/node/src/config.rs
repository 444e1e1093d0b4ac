use crate::{FeedConfig, PoolConfig, SequencerKey};
use alloy_primitives::Address;
use rollwright_core::Role;
use rollwright_derive::{Amendment, CodecId};
use std::{num::NonZeroU64, time::Duration};

/// What a node may choose for itself. What the chain is stands in
/// `genesis.json`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NodeConfig {
    /// The rollup's name, for people.
    pub name: String,
    /// What the node does.
    pub role: RoleConfig,
    /// Pool limits.
    pub pool: PoolConfig,
    /// Reading DA.
    pub derivation: DerivationConfig,
    /// The feed that this node serves.
    pub feed: FeedConfig,
    /// Amendments of the chain configuration, oldest first; the same on every
    /// node of the chain.
    pub amendments: Vec<Amendment>,
    /// How long the DA layer may take to answer one call. One that takes longer
    /// counts as failed for the moment and is made again.
    pub da_timeout: Duration,
    /// How long an orderly stop may take before what is left is abandoned; a
    /// sequencer's [`PostConfig::stop_wait`] comes on top.
    pub shutdown_timeout: Duration,
}

impl NodeConfig {
    /// A node with defaults for everything but its role.
    pub fn new(role: RoleConfig) -> Self {
        Self {
            name: "rollup".into(),
            role,
            pool: PoolConfig::default(),
            derivation: DerivationConfig::default(),
            feed: FeedConfig::default(),
            amendments: Vec::new(),
            da_timeout: Duration::from_secs(30),
            shutdown_timeout: Duration::from_secs(10),
        }
    }

    /// A sequencer with defaults.
    pub fn sequencer(config: SequencerConfig) -> Self {
        Self::new(RoleConfig::Sequencer(config))
    }

    /// A node that derives from DA alone.
    pub fn follower() -> Self {
        Self::new(RoleConfig::Follower)
    }

    /// A node that follows a feed and checks it against DA.
    pub fn replica(feed_url: impl Into<String>) -> Self {
        Self::new(RoleConfig::Replica {
            feed_url: feed_url.into(),
        })
    }
}

/// What a node does, with the settings of that role.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RoleConfig {
    /// Makes blocks and posts them.
    Sequencer(SequencerConfig),
    /// Derives from DA.
    Follower,
    /// Follows a feed, and checks it against DA.
    Replica {
        /// `ws://host:port/feed` of a sequencer or of another replica.
        feed_url: String,
    },
}

impl RoleConfig {
    /// The role alone.
    pub const fn role(&self) -> Role {
        match self {
            Self::Sequencer(_) => Role::Sequencer,
            Self::Follower => Role::Follower,
            Self::Replica { .. } => Role::Replica,
        }
    }
}

/// When blocks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTime {
    /// One block each so many milliseconds, empty or not.
    IntervalMs(NonZeroU64),
    /// As soon as there is something to put in, and to keep an idle chain
    /// alive.
    Auto,
}

/// How a sequencer makes blocks.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SequencerConfig {
    /// Signs parts and feed messages; stands in the key schedule.
    pub key: SequencerKey,
    /// Receives priority fees.
    pub fee_recipient: Address,
    /// Fences processes of one sequencer; 0 without high availability.
    pub term: u64,
    /// When blocks are made.
    pub block_time: BlockTime,
    /// How many DA blocks an origin lies below the observed DA head; at least
    /// 1, at most the chain's forced-inclusion delay.
    pub confirmation_depth: u64,
    /// Blocks made and not derived yet at which admission stops.
    pub max_unposted_blocks: u64,
    /// Sum of their transactions' bytes at which admission stops.
    pub max_unposted_bytes: u64,
    /// Posting.
    pub post: PostConfig,
}

impl SequencerConfig {
    /// Defaults: one-second blocks, depth 1, fees to the key's address.
    pub fn new(key: SequencerKey) -> Self {
        Self {
            fee_recipient: key.address(),
            key,
            term: 0,
            block_time: BlockTime::IntervalMs(const { NonZeroU64::new(1_000).unwrap() }),
            confirmation_depth: 1,
            max_unposted_blocks: 100_000,
            max_unposted_bytes: 256 << 20,
            post: PostConfig::default(),
        }
    }
}

/// How batches are posted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PostConfig {
    /// Longest time that a block waits before its batch is closed.
    pub interval: Duration,
    /// A batch is closed once its envelope is expected to reach this many
    /// bytes.
    pub max_batch_bytes: u32,
    /// Codec to write; one of the chain's. `None` takes its last.
    pub codec: Option<CodecId>,
    /// Batches posted and not derived yet at which posting waits.
    pub max_in_flight: u32,
    /// DA blocks that a batch may need to land; what would have to land sooner
    /// is rebuilt on newer origins instead of posted.
    pub margin: u64,
    /// First and longest pause between two attempts at an unwilling layer.
    pub retry: Backoff,
    /// How long an orderly stop waits for the layer to take what is not posted
    /// yet. What it does not take is posted at the next start.
    pub stop_wait: Duration,
}

impl Default for PostConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(4),
            max_batch_bytes: 120 << 10,
            codec: None,
            max_in_flight: 8,
            margin: 3,
            retry: Backoff::default(),
            stop_wait: Duration::from_secs(4),
        }
    }
}

/// How DA is read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DerivationConfig {
    /// Pause between two looks at the DA head. `None`: half of the layer's
    /// block time, between 20 ms and 5 s.
    pub poll: Option<Duration>,
    /// DA blocks fetched at the same time while catching up.
    pub prefetch: usize,
    /// Final batches about which is kept where they stand on DA and what they
    /// cost.
    pub keep_batches: u64,
    /// Pause after a failure.
    pub retry: Backoff,
    /// What a follower or replica does where its sequencer announces an
    /// amendment that it lacks. A sequencer alarms, and goes on.
    pub on_announcement: OnAnnouncement,
}

/// What a node does about an announced amendment that it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnAnnouncement {
    /// Alarms and reads no further DA blocks: safe and finalized head stay, and
    /// the amendment can still be given to it, at the next start.
    #[default]
    Hold,
    /// Alarms and goes on. From the activation on it follows a chain without
    /// the amendment.
    GoOn,
}

impl Default for DerivationConfig {
    fn default() -> Self {
        Self {
            poll: None,
            prefetch: 8,
            keep_batches: 1_000_000,
            retry: Backoff::default(),
            on_announcement: OnAnnouncement::default(),
        }
    }
}

/// Pauses that double from `first` to `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// The longest.
    pub most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            most: Duration::from_secs(15),
        }
    }
}

impl Backoff {
    /// The pause after `failures` failures in a row; none after 0.
    pub fn pause(&self, failures: u32) -> Duration {
        match failures {
            0 => Duration::ZERO,
            n => self
                .first
                .saturating_mul(1 << n.saturating_sub(1).min(16))
                .min(self.most),
        }
    }
}
