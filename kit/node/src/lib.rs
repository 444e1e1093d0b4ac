#![doc = include_str!("../README.md")]

mod clock;
mod config;
mod error;
mod events;
mod feed;
mod fold;
mod key;
mod pool;
mod records;

pub use clock::SystemClock;
pub use config::*;
pub use error::{LayerFailure, NodeError};
pub use feed::{FEED_VERSION, FeedConfig, FeedFrame, FeedGoodbye, FeedHello, SignedBlock};
pub use key::SequencerKey;
pub use pool::{Inserted, Pool, PoolConfig, PoolOrder, PoolTx};
