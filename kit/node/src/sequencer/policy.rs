use crate::BlockTime;
use rollwright_core::{DaHeader, DaOrdinal};
use rollwright_derive::{Position, Rules};
use std::fmt;

/// When a sequencer makes a block, and where it puts it. Pure: the same
/// situation gives the same decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerPolicy {
    /// When blocks are made.
    pub block_time: BlockTime,
    /// How many DA blocks an origin lies below the observed DA head.
    pub confirmation_depth: u64,
    /// DA blocks that a batch may need to land. No block is made that could not
    /// be posted any more: it would be taken back at once, and made again.
    pub margin: u64,
}

/// All that the decision depends on.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// The chain's rules.
    pub rules: &'a Rules,
    /// The latest block.
    pub head: &'a Position,
    /// Milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// When the next block of a fixed interval is due.
    pub due_ms: u64,
    /// The newest DA block that is known.
    pub observed: DaOrdinal,
    /// The DA block up to which derivation has read.
    pub derived: DaOrdinal,
    /// Header facts of derived DA blocks.
    pub header: &'a dyn Fn(DaOrdinal) -> Option<DaHeader>,
    /// True where a transaction waits that could go in.
    pub transactions_wait: bool,
    /// True where a forced entry is due on the given origin.
    pub forced_due: &'a dyn Fn(DaOrdinal) -> bool,
    /// True where somebody asked for a block.
    pub asked: bool,
    /// True where the chain has lapsed and no block of ours waits to be
    /// derived, which would end that.
    pub lapsed: bool,
}

impl fmt::Debug for Situation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Situation")
            .field("head", self.head)
            .field("now_ms", &self.now_ms)
            .field("due_ms", &self.due_ms)
            .field("observed", &self.observed)
            .field("derived", &self.derived)
            .field("transactions_wait", &self.transactions_wait)
            .field("asked", &self.asked)
            .field("lapsed", &self.lapsed)
            .finish_non_exhaustive()
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Make a block.
    Build {
        /// Its origin.
        origin: DaOrdinal,
        /// Its timestamp.
        timestamp: u64,
        /// Why.
        cause: Cause,
        /// Seconds that further blocks may still advance if DA stands still.
        drift_left: u64,
    },
    /// Look again at this time, or when something changes.
    WaitUntil(u64),
    /// Look again when something changes.
    Idle,
    /// Nothing can be made before DA moves on.
    Blocked(Block),
}

/// Why a block is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its time has come.
    Interval,
    /// There is something to put in, or somebody asked.
    Demand,
    /// The chain is idle and its window must not run out, or has.
    KeepAlive,
}

/// Why no block can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// No DA block can serve as origin yet.
    NoOrigin,
    /// DA has not moved for so long that timestamps have used up the drift.
    Drift {
        /// The limit, in seconds.
        drift_seconds: u64,
        /// The newest usable origin.
        origin: DaOrdinal,
    },
    /// The newest possible origin lies so far back that a block on it could not
    /// be posted in its window: derivation is far behind the layer, or the
    /// chain is about to lapse.
    TooLate {
        /// The origin.
        origin: DaOrdinal,
        /// The newest DA block that is known.
        observed: DaOrdinal,
    },
    /// The origin holds as many blocks as it may.
    OriginFull {
        /// The origin.
        origin: DaOrdinal,
        /// The limit.
        max: u32,
    },
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOrigin => f.write_str("no DA block can serve as origin yet"),
            Self::Drift {
                drift_seconds,
                origin,
            } => write!(
                f,
                "the DA layer stands still at ordinal {origin}: blocks may run at most {drift_seconds} s ahead of it"
            ),
            Self::TooLate { origin, observed } => write!(
                f,
                "a block on DA ordinal {origin} could not be posted in time, as the layer is at {observed} already: waiting until more of the layer is read"
            ),
            Self::OriginFull { origin, max } => write!(
                f,
                "{max} blocks stand on DA ordinal {origin}, which is the limit: waiting for the next DA block"
            ),
        }
    }
}

impl SequencerPolicy {
    /// Decides.
    pub fn decide(&self, now: &Situation<'_>) -> Decision {
        let Some((origin, header)) = self.origin(now) else {
            return Decision::Blocked(Block::NoOrigin);
        };
        let Some(cause) = self.cause(now, origin) else {
            return match self.block_time {
                BlockTime::IntervalMs(_) => Decision::WaitUntil(now.due_ms),
                BlockTime::Auto => Decision::Idle,
            };
        };
        // As the batcher reckons, so that it takes every block that is made.
        let lands = now.observed.max(now.derived).plus(1);
        if lands.plus(self.margin) > now.rules.deadline(origin) {
            let observed = now.observed;
            return Decision::Blocked(Block::TooLate { origin, observed });
        }
        let limits = &now.rules.at(origin).limits;
        if origin == now.head.origin && now.head.on_origin >= limits.origin_blocks {
            return Decision::Blocked(Block::OriginFull {
                origin,
                max: limits.origin_blocks,
            });
        }
        let times = now.rules.timestamps(now.head, origin, header.time);
        if times.is_empty() {
            return Decision::Blocked(Block::Drift {
                drift_seconds: now.rules.at(origin).timing.drift_seconds,
                origin,
            });
        }
        let seconds = now.now_ms / 1_000;
        let timestamp = seconds.clamp(*times.start(), *times.end());
        // Blocks that come faster than one a second would run ahead of time
        // where timestamps must rise.
        if self.outpaces_seconds() && timestamp > seconds.max(header.time) {
            return Decision::WaitUntil(timestamp.saturating_mul(1_000));
        }
        Decision::Build {
            origin,
            timestamp,
            cause,
            drift_left: times.end().saturating_sub(timestamp),
        }
    }

    /// The newest DA block that the next block may name.
    fn origin(&self, now: &Situation<'_>) -> Option<(DaOrdinal, DaHeader)> {
        let deep = DaOrdinal(now.observed.0.saturating_sub(self.confirmation_depth));
        let newest = deep.min(now.derived).max(now.head.origin.min(now.derived));
        let origin = now.rules.next_origin(now.head, newest)?;
        Some((origin, (now.header)(origin)?))
    }

    fn cause(&self, now: &Situation<'_>, origin: DaOrdinal) -> Option<Cause> {
        if now.asked {
            return Some(Cause::Demand);
        }
        let due = match self.block_time {
            BlockTime::IntervalMs(_) if now.now_ms >= now.due_ms => Some(Cause::Interval),
            BlockTime::Auto if now.transactions_wait || (now.forced_due)(origin) => {
                Some(Cause::Demand)
            }
            _ => None,
        };
        // A block on the same origin would keep nothing alive.
        let idle = || {
            now.lapsed
                || origin > now.head.origin && now.rules.keep_alive_due(now.head, now.observed)
        };
        due.or_else(|| idle().then_some(Cause::KeepAlive))
    }

    fn outpaces_seconds(&self) -> bool {
        match self.block_time {
            BlockTime::IntervalMs(interval) => interval.get() < 1_000,
            BlockTime::Auto => true,
        }
    }

    /// When the block after one that was due at `due_ms` is due. Missed turns
    /// are not made up for.
    pub fn next_due(&self, due_ms: u64, now_ms: u64) -> u64 {
        match self.block_time {
            BlockTime::Auto => now_ms,
            BlockTime::IntervalMs(interval) => {
                let next = due_ms.saturating_add(interval.get());
                let late = now_ms.saturating_sub(next);
                let early = next.saturating_sub(now_ms);
                if late >= interval.get() || early > interval.get() {
                    now_ms.saturating_add(interval.get())
                } else {
                    next
                }
            }
        }
    }
}
