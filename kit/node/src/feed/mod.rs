//! Signed blocks over WebSocket: a preview of what DA will say.
//!
//! A server sends a `Hello`, then the blocks from the requested number on that
//! it still has, then each block as it is made. A block that replaces another
//! of the same number follows a reorganisation. Messages are binary: a version
//! byte and borsh.

mod client;
mod connect;
mod frame;
mod server;

pub(crate) use client::{FeedClient, FeedMessage};
pub use connect::{FeedConnector, FeedIo, TcpConnector};
pub use frame::{FEED_VERSION, FeedFrame, FeedGoodbye, FeedHello, SignedBlock};
pub(crate) use server::{FeedHub, FeedSource};

use std::time::Duration;

/// The feed that a node serves.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FeedConfig {
    /// Most subscribers at a time.
    pub max_subscribers: usize,
    /// Blocks that a subscriber may lag behind before it is dropped.
    pub buffer_blocks: usize,
    /// Blocks that the feed keeps for whoever comes back, final ones included.
    /// Blocks that are not final are kept in any case.
    pub keep_blocks: u64,
    /// Blocks above the safe head that a replica takes from a feed.
    pub max_ahead_blocks: u64,
    /// Longest message that a client accepts, in bytes.
    pub max_frame_bytes: usize,
    /// Pause between two pings; a client gives up after three without any
    /// message.
    pub ping: Duration,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self {
            max_subscribers: 256,
            buffer_blocks: 512,
            keep_blocks: 8_192,
            max_ahead_blocks: 200_000,
            max_frame_bytes: 64 << 20,
            ping: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests;
