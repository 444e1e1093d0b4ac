//! What to do next about a unit that is not included. Pure.

use crate::{CelestiaError, GasPrice, journal::Attempt};

/// What is known when the question is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// The verified head.
    pub(super) head: u64,
    /// Up to here the unit was looked for.
    pub(super) scanned: u64,
    /// The newest attempt, if there is one.
    pub(super) last: Option<Attempt>,
    /// Blobs that are not in a block yet.
    pub(super) left: u32,
    /// Most blobs of one transaction.
    pub(super) most: u32,
    /// Gas of the next transaction.
    pub(super) gas: u64,
    /// Blocks after which an attempt can be in no mempool any more.
    pub(super) wait: u64,
    /// The price to begin with.
    pub(super) floor: GasPrice,
    /// The price that is never exceeded.
    pub(super) cap: GasPrice,
}

/// What to do.
#[derive(Clone, Debug)]
pub(super) enum Decision {
    /// Nothing: it may be under way.
    Wait,
    /// Post at this price, at most so many blobs together.
    Post {
        /// The price.
        price: GasPrice,
        /// Most blobs.
        most: u32,
    },
    /// Report this; the node took nothing, the next call may post again.
    Refused(CelestiaError),
    /// One blob alone is too large.
    TooLarge {
        /// What the node names as its limit, or 0.
        max_bytes: u64,
    },
}

/// `outcome` is what the node answered to the newest attempt, once it did.
///
/// An attempt that the node refused before its mempool may be followed by
/// another at once; one whose outcome is open only when it can be in no
/// mempool any more and was found in no block.
pub(super) fn decide(now: &Situation, outcome: Option<Result<u64, CelestiaError>>) -> Decision {
    let again = |price: GasPrice| Decision::Post {
        price: price.max(now.floor).min(now.cap),
        most: now.most,
    };
    let Some(last) = now.last else {
        return again(now.floor);
    };
    let price = GasPrice::from_micro(last.price);
    let held = |error: CelestiaError| Decision::Refused(CelestiaError::Held(Box::new(error)));
    match outcome {
        // The height is a hint: the blocks up to it are read, and the unit is
        // found there or not.
        Some(Ok(_)) | None => {}
        Some(Err(CelestiaError::FeeTooLow { required_utia })) => {
            let required = GasPrice::for_fee(required_utia, now.gas).times(11, 10);
            let next = required.max(price.times(11, 10));
            return if price >= now.cap || required > now.cap {
                held(CelestiaError::FeeCapReached { cap: now.cap })
            } else {
                again(next)
            };
        }
        Some(Err(CelestiaError::TooLarge { max_bytes, .. })) => {
            let together = last.blobs.min(now.left);
            return if together > 1 {
                Decision::Post {
                    price,
                    most: together / 2,
                }
            } else {
                Decision::TooLarge { max_bytes }
            };
        }
        // The node's words do not name it.
        Some(Err(CelestiaError::FeeCapReached { .. })) => {
            return held(CelestiaError::FeeCapReached { cap: now.cap });
        }
        Some(Err(
            error @ (CelestiaError::OutOfFunds { .. }
            | CelestiaError::MempoolFull
            | CelestiaError::SequenceMismatch { .. }),
        )) => return held(error),
        Some(Err(
            error @ (CelestiaError::TokenScope
            | CelestiaError::NoStateAccess
            | CelestiaError::NoHonestEndpoint { .. }),
        )) => return Decision::Refused(error),
        Some(Err(error @ CelestiaError::Unknown { times, .. }))
            if times >= CelestiaError::MAX_UNKNOWN =>
        {
            return Decision::Refused(error);
        }
        // Open: timed out, connection lost, waits already, dropped by one of
        // several mempools, rejected before.
        Some(Err(error)) => {
            tracing::info!(target: "celestia", %error, "the outcome of a submission is open; it is looked for in every block");
        }
    }
    if last.included {
        // The next part of a unit that did not fit one transaction.
        return again(price);
    }
    if last.refused {
        // Refused, and reported: one attempt a block.
        return if now.head > last.sent_at {
            again(price)
        } else {
            Decision::Wait
        };
    }
    let over = last.sent_at.saturating_add(now.wait);
    if now.scanned >= over && now.head >= over {
        return again(price.times(5, 4));
    }
    Decision::Wait
}

#[cfg(test)]
mod tests;
