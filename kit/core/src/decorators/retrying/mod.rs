mod da;
mod messaging;
mod settlement;

use super::draw::Draws;
use crate::{Clock, ErrorKind, LayerError};
use std::{future::Future, sync::Arc, time::Duration};

/// How often, and for how long, a failed call is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Most calls, the first one included; at least one is made.
    pub attempts: u32,
    /// Pause after the first failure; each further one is twice as long.
    pub first_delay: Duration,
    /// Longest pause.
    pub max_delay: Duration,
    /// No pause begins that would end later than this after the first call.
    pub max_total: Duration,
    /// Also wait for what does not exist yet.
    pub not_yet: bool,
    /// Seeds the jitter, which shortens each pause by up to a half.
    pub seed: u64,
}

impl Default for RetryPolicy {
    /// Eight calls within a minute, from 100 ms to 10 s apart; `NotYet` goes
    /// to the caller at once.
    fn default() -> Self {
        Self {
            attempts: 8,
            first_delay: Duration::from_millis(100),
            max_delay: Duration::from_secs(10),
            max_total: Duration::from_secs(60),
            not_yet: false,
            seed: 0,
        }
    }
}

/// Makes a call again when its error is `Temporary`.
///
/// Every call of the layer traits is idempotent, so a call whose answer was
/// lost may be made again. The last error is returned as it is. Dropping the
/// future stops the retries. Synchronous calls are made once.
///
/// Not for [`Execution`](crate::Execution): an engine is embedded, and what
/// fails there does not heal by waiting.
#[derive(Clone, Debug)]
pub struct Retrying<L> {
    layer: L,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
    draws: Draws,
}

impl<L> Retrying<L> {
    /// Wraps a layer.
    pub fn new(layer: L, clock: Arc<dyn Clock>, policy: RetryPolicy) -> Self {
        Self {
            layer,
            clock,
            policy,
            draws: Draws::new(policy.seed),
        }
    }

    async fn retry<T, E, F, Fut>(&self, call: F) -> Result<T, E>
    where
        T: Send,
        E: LayerError,
        F: Fn() -> Fut + Send,
        Fut: Future<Output = Result<T, E>> + Send,
    {
        let begin = self.clock.now_ms();
        let mut attempt = 1;
        loop {
            let error = match call().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let again = match error.kind() {
                ErrorKind::Temporary => true,
                ErrorKind::NotYet => self.policy.not_yet,
                _ => false,
            };
            if !again || attempt >= self.policy.attempts {
                return Err(error);
            }
            let pause = self.pause(attempt);
            let spent = Duration::from_millis(self.clock.now_ms().saturating_sub(begin));
            if spent.saturating_add(pause) > self.policy.max_total {
                return Err(error);
            }
            self.clock.sleep(pause).await;
            attempt += 1;
        }
    }

    /// The pause after the `attempt`th call.
    fn pause(&self, attempt: u32) -> Duration {
        let factor = 1u32.checked_shl(attempt - 1).unwrap_or(u32::MAX);
        let full = self
            .policy
            .first_delay
            .saturating_mul(factor)
            .min(self.policy.max_delay);
        let half = u64::try_from(full.as_millis() / 2).unwrap_or(u64::MAX);
        full.saturating_sub(Duration::from_millis(
            self.draws.below(half.saturating_add(1)),
        ))
    }
}
