#![doc = include_str!("../README.md")]

mod archive;
mod batches;
mod builder;
mod chain;
mod clock;
mod config;
mod derivation;
mod derived;
mod error;
mod events;
mod feed;
mod feed_store;
mod fold;
mod gate;
mod identity;
mod key;
mod layers;
mod maintenance;
mod node;
mod pool;
mod post;
mod records;
mod replica;
mod sequencer;
mod snapshot;
mod span;
mod supervisor;
mod tasks;
mod telemetry;
mod verify;

pub use archive::ArchiveNode;
pub use builder::Node;
pub use clock::SystemClock;
pub use config::*;
pub use error::{LayerFailure, NodeError};
pub use feed::{
    FEED_VERSION, FeedConfig, FeedConnector, FeedFrame, FeedGoodbye, FeedHello, FeedIo,
    SignedBlock, TcpConnector,
};
pub use key::SequencerKey;
pub use layers::DaLayers;
pub use node::{Forwarder, NodeHandle};
pub use pool::{Inserted, Pool, PoolConfig, PoolOrder, PoolTx};
pub use replica::{EvidenceError, FeedEvidence, feed_evidence};
pub use sequencer::{Block as BlockedBy, Cause, Decision, SequencerPolicy, Situation};
pub use snapshot::{NodeSnapshot, check_snapshot, snapshot_origin, take_snapshot};
pub use span::{EpochSpan, find_epochs};
pub use tasks::{Spawner, TokioSpawner};
pub use telemetry::describe_metrics;
pub use verify::{Verified, VerifyOptions, VerifyProgress, verify};
