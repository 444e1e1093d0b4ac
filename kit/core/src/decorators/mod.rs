//! Layers that wrap a layer and implement the trait that it implements.
//!
//! - [`Retrying`]: tries again what failed for the moment.
//! - [`TimeLimit`]: gives up on what takes too long.
//! - [`Metered`]: tells a [`Meter`] about every call.
//! - [`Faulty`]: fails by a seed, before or after the call took effect.
//! - [`Recorded`]: keeps every call and its outcome.
//!
//! They nest in any order. A client of a flaky network:
//!
//! ```
//! # use rollwright_core::{ManualClock, decorators::*, memory::MemoryDa};
//! # use std::sync::Arc;
//! let clock = Arc::new(ManualClock::default());
//! let counts = CallCounts::default();
//! let da = Metered::new(MemoryDa::default(), clock.clone(), counts.clone());
//! let da = Retrying::new(da, clock, RetryPolicy::default());
//! ```

mod draw;
mod faulty;
mod metered;
mod recorded;
mod retrying;
mod time_limit;

#[cfg(all(test, feature = "conformance"))]
mod tests;

pub use faulty::{FaultPlan, Faulty, FaultyError};
pub use metered::{Call, CallCounts, Count, Meter, Metered};
pub use recorded::{CallRecord, Recorded};
pub use retrying::{RetryPolicy, Retrying};
pub use time_limit::{TimeLimit, TimeLimitError};
