//! What to do next about a transaction that was signed with a key of our own.
//! Pure.
//!
//! One rule makes posting exactly once: two transactions with one sequence
//! cannot both be included, and a unit gets a new sequence only once its old
//! one is used by something else and its blobs are in no block.

use crate::{
    CelestiaError, GasPrice,
    journal::{OwnAttempt, OwnState},
};

/// How often the same bytes are broadcast before their time in mempools is
/// waited for and they are signed again at a higher price.
const MAX_BROADCASTS: u32 = 3;

/// What is known when the question is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// The verified head.
    pub(super) head: u64,
    /// Up to here the unit was looked for.
    pub(super) scanned: u64,
    /// The account's committed sequence, once it was asked for.
    pub(super) committed: Option<u64>,
    /// Blocks after which a transaction can be in no mempool any more.
    pub(super) wait: u64,
    /// Blocks that nodes may be behind each other.
    pub(super) margin: u64,
    /// Gas of the transaction.
    pub(super) gas: u64,
    /// The price that is never exceeded.
    pub(super) cap: GasPrice,
}

/// What a consensus node says of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum TxStatus {
    /// It waits in the mempool.
    Pending,
    /// It stands in a block.
    Committed {
        /// The block.
        height: u64,
    },
    /// It stands in a block, and failed there.
    Failed {
        /// The block.
        height: u64,
        /// The application's code.
        code: u32,
        /// The application's words.
        text: String,
    },
    /// It was dropped as not valid.
    Rejected(CelestiaError),
    /// It was dropped from the mempool.
    Evicted,
    /// The node never heard of it, or has forgotten it.
    Unknown,
}

/// What to do.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Nothing: it is under way.
    Wait,
    /// Ask for the account's committed sequence, then ask again.
    AskAccount,
    /// Broadcast the same bytes.
    Broadcast,
    /// As [`Broadcast`](Self::Broadcast), from the lowest sequence in
    /// question on.
    BroadcastFrom(u64),
    /// Sign again under the same sequence.
    SignAgain {
        /// The price.
        price: GasPrice,
        /// Most blobs.
        most: u32,
    },
    /// Its sequence is used: remember since when.
    Consumed,
    /// It ends in this state, and this is reported.
    End(OwnState, CelestiaError),
    /// It is in no mempool; this is reported, and the next block brings
    /// another try.
    Hold(CelestiaError),
    /// As [`Hold`](Self::Hold), with the same bytes.
    HoldBytes(CelestiaError),
    /// One blob alone is too large.
    TooLarge {
        /// What the node names as its limit, or 0.
        max_bytes: u64,
    },
    /// Nothing changes; this is reported.
    Report(CelestiaError),
}

/// What to do once a node told the status of an open attempt.
pub(super) fn on_status(now: &Situation, attempt: &OwnAttempt, status: TxStatus) -> Step {
    let height = match &status {
        TxStatus::Pending => return Step::Wait,
        TxStatus::Committed { height } | TxStatus::Failed { height, .. } => *height,
        TxStatus::Rejected(_) | TxStatus::Evicted | TxStatus::Unknown => {
            return not_in_a_block(now, attempt, status);
        }
    };
    if now.scanned < height {
        // The word of a node says where to look, not what is there.
        return Step::Wait;
    }
    match status {
        TxStatus::Failed { code, text, .. } => Step::End(
            OwnState::Failed,
            CelestiaError::ExecutionFailed { code, text },
        ),
        _ => Step::Report(CelestiaError::NotInBlock {
            height,
            hash: alloy_primitives::hex::encode_upper(attempt.hash),
        }),
    }
}

fn not_in_a_block(now: &Situation, attempt: &OwnAttempt, status: TxStatus) -> Step {
    let Some(committed) = now.committed else {
        return Step::AskAccount;
    };
    if committed > attempt.sequence {
        return match attempt.consumed_at {
            None => Step::Consumed,
            Some(at) if now.scanned >= at.saturating_add(now.margin) => Step::End(
                OwnState::Taken,
                CelestiaError::KeyInUse {
                    address: String::new(),
                    sequence: attempt.sequence,
                },
            ),
            // A block with it may still be ahead of the reader.
            Some(_) => Step::Wait,
        };
    }
    if let TxStatus::Rejected(error) = status {
        return on_refusal(now, attempt, error);
    }
    if now.head >= attempt.sent_at.saturating_add(now.wait) {
        let price = GasPrice::from_micro(attempt.price);
        if price >= now.cap {
            return Step::Broadcast;
        }
        return Step::SignAgain {
            price: price.times(5, 4).min(now.cap),
            most: attempt.blobs,
        };
    }
    let fresh = attempt.broadcasts == 0 || now.head > attempt.sent_at;
    if fresh && attempt.broadcasts < MAX_BROADCASTS {
        Step::Broadcast
    } else {
        Step::Wait
    }
}

/// What to do once a node refused the bytes of an open attempt.
pub(super) fn on_refusal(now: &Situation, attempt: &OwnAttempt, error: CelestiaError) -> Step {
    let price = GasPrice::from_micro(attempt.price);
    match error {
        CelestiaError::AlreadyPending => Step::Wait,
        CelestiaError::FeeTooLow { required_utia } => {
            let required = GasPrice::for_fee(required_utia, now.gas).times(11, 10);
            if price >= now.cap || required > now.cap {
                return Step::Hold(CelestiaError::FeeCapReached { cap: now.cap });
            }
            Step::SignAgain {
                price: required.max(price.times(11, 10)).min(now.cap),
                most: attempt.blobs,
            }
        }
        CelestiaError::TooLarge { max_bytes, .. } => {
            if attempt.blobs > 1 {
                Step::SignAgain {
                    price,
                    most: attempt.blobs / 2,
                }
            } else {
                Step::TooLarge { max_bytes }
            }
        }
        CelestiaError::SequenceMismatch { expected, got }
            if got == attempt.sequence && expected < got =>
        {
            Step::BroadcastFrom(expected)
        }
        // The blocks tell whose transaction used it.
        error @ (CelestiaError::SequenceMismatch { .. } | CelestiaError::MempoolFull) => {
            Step::HoldBytes(error)
        }
        error => Step::Hold(error),
    }
}

/// The price of a first signature, or why there is none: never above the cap,
/// never beyond the day's limit.
pub(super) fn first_price(
    floor: GasPrice,
    estimate: Option<GasPrice>,
    cap: GasPrice,
) -> Result<GasPrice, CelestiaError> {
    let price = estimate.unwrap_or(floor).max(floor);
    if price > cap {
        return Err(CelestiaError::FeeCapReached { cap });
    }
    Ok(price)
}

/// Whether a fee fits into the day's limit beside what was signed for.
pub(super) fn within_limit(spent: u64, fee: u64, limit: Option<u64>) -> Result<(), CelestiaError> {
    match limit {
        Some(limit) if spent.saturating_add(fee) > limit => {
            Err(CelestiaError::SpendLimit { spent, fee, limit })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
