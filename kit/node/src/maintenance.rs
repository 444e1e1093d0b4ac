//! The pool's small chores.

use crate::{NodeError, pool::PoolService};
use rollwright_core::{Clock, Execution};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// Pause between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Rounds between two looks at what has waited too long.
const EXPIRE_ROUNDS: u64 = 60;

/// Writes the pool's journal until cancelled.
pub(crate) async fn journal<E: Execution>(
    pool: Arc<PoolService<E>>,
    stop: CancellationToken,
) -> Result<(), NodeError> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        result = pool.run_journal() => result,
    }
}

/// Looks after senders in doubt, stale transactions and useless rows.
pub(crate) async fn upkeep<E: Execution>(
    pool: Arc<PoolService<E>>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> Result<(), NodeError> {
    let mut round: u64 = 0;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = clock.sleep(ROUND) => {}
        }
        round = round.wrapping_add(1);
        pool.recheck().await;
        if round.is_multiple_of(EXPIRE_ROUNDS) {
            pool.expire();
        }
        pool.flush().await?;
    }
}
