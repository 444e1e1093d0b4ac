#[cfg(feature = "std")]
mod manual;

#[cfg(all(test, feature = "std"))]
mod tests;

#[cfg(feature = "std")]
pub use manual::ManualClock;

use alloc::{boxed::Box, sync::Arc};
use core::{future::Future, pin::Pin, time::Duration};

/// The only source of time for everything above the pure cores.
///
/// A simulator implements it with virtual time; nothing else in the workspace
/// may read the system's clock.
pub trait Clock: core::fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since the Unix epoch. May jump in either direction.
    fn now_ms(&self) -> u64;

    /// Completes once `duration` has passed on this clock. Dropping the
    /// future cancels it without effect.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now_ms(&self) -> u64 {
        (**self).now_ms()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        (**self).sleep(duration)
    }
}
