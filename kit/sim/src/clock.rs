use crate::Trace;
use rollwright_core::Clock;
use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

/// A node's clock: virtual time, set wrong by as much as the plan says.
#[derive(Clone, Debug)]
pub struct SimClock {
    time: Trace,
    skew_ms: Arc<AtomicI64>,
}

impl SimClock {
    /// A clock that is right.
    pub fn new(time: Trace) -> Self {
        Self {
            time,
            skew_ms: Arc::default(),
        }
    }

    /// Sets the clock: so many milliseconds ahead of true time, or behind.
    pub fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> u64 {
        self.time
            .now_ms()
            .saturating_add_signed(self.skew_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}
