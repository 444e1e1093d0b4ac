mod da;
mod execution;
mod messaging;
mod settlement;

use super::draw::Draws;
use crate::{Clock, ErrorKind, LayerError};
use std::{error::Error, fmt, future::Future, sync::Arc, time::Duration};

/// How often which fault happens. The same seed and the same sequence of calls
/// give the same faults.
#[derive(Clone, Debug)]
pub struct FaultPlan {
    /// Seeds every decision.
    pub seed: u64,
    /// Of 1,000 calls, so many fail before they reach the layer.
    pub refused_per_mille: u64,
    /// Of 1,000 calls that reached the layer, the answers of so many are lost:
    /// the call took effect, and the caller does not learn it.
    pub lost_per_mille: u64,
    /// Each call waits up to this long first.
    pub max_latency: Duration,
}

impl Default for FaultPlan {
    /// No faults.
    fn default() -> Self {
        Self {
            seed: 0,
            refused_per_mille: 0,
            lost_per_mille: 0,
            max_latency: Duration::ZERO,
        }
    }
}

/// A layer that fails by a seed, as a network does: requests are refused,
/// answers are lost, both as `Temporary` errors.
///
/// The pure checks and capabilities never fail.
#[derive(Clone, Debug)]
pub struct Faulty<L> {
    layer: L,
    clock: Arc<dyn Clock>,
    plan: FaultPlan,
    draws: Draws,
}

/// An error of a faulty layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultyError<E> {
    /// The layer's own.
    Layer(E),
    /// The request did not reach the layer.
    Refused {
        /// The trait's method.
        method: &'static str,
    },
    /// The layer's answer did not reach the caller.
    Lost {
        /// The trait's method.
        method: &'static str,
    },
}

impl<E: fmt::Display> fmt::Display for FaultyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(error) => error.fmt(f),
            Self::Refused { method } => write!(f, "injected fault: `{method}` was refused"),
            Self::Lost { method } => write!(f, "injected fault: the answer to `{method}` was lost"),
        }
    }
}

impl<E: Error + 'static> Error for FaultyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Layer(error) => error.source(),
            _ => None,
        }
    }
}

impl<E: LayerError> LayerError for FaultyError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Layer(error) => error.kind(),
            _ => ErrorKind::Temporary,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Layer(error) => error.code(),
            Self::Refused { .. } => "RW-DA-301",
            Self::Lost { .. } => "RW-DA-302",
        }
    }
}

impl<L> Faulty<L> {
    /// Wraps a layer.
    pub fn new(layer: L, clock: Arc<dyn Clock>, plan: FaultPlan) -> Self {
        let draws = Draws::new(plan.seed);
        Self {
            layer,
            clock,
            plan,
            draws,
        }
    }

    async fn disturb<T: Send, E: LayerError>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, FaultyError<E>> {
        let max_ms = u64::try_from(self.plan.max_latency.as_millis()).unwrap_or(u64::MAX);
        if max_ms > 0 {
            let latency = Duration::from_millis(self.draws.below(max_ms.saturating_add(1)));
            self.clock.sleep(latency).await;
        }
        if self.draws.below(1_000) < self.plan.refused_per_mille {
            return Err(FaultyError::Refused { method });
        }
        let result = call.await.map_err(FaultyError::Layer);
        if self.draws.below(1_000) < self.plan.lost_per_mille {
            return Err(FaultyError::Lost { method });
        }
        result
    }
}
