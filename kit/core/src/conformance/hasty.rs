//! Helpers of the suites' own tests.

use crate::{
    Clock, ManualClock,
    decorators::{FaultPlan, RetryPolicy},
};
use std::{future::Future, pin::Pin, time::Duration};

/// Virtual time that jumps ahead when somebody sleeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct HastyClock(ManualClock);

impl Clock for HastyClock {
    fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.advance(duration);
        Box::pin(std::future::ready(()))
    }
}

/// Every third call is refused, and of the others every fifth answer is lost.
pub(crate) fn faults() -> FaultPlan {
    FaultPlan {
        seed: 7,
        refused_per_mille: 333,
        lost_per_mille: 200,
        max_latency: Duration::from_millis(500),
    }
}

/// Retries for longer than such faults last.
pub(crate) fn patient() -> RetryPolicy {
    RetryPolicy {
        attempts: 64,
        max_total: Duration::from_secs(1 << 20),
        ..RetryPolicy::default()
    }
}
