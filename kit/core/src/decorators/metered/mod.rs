mod da;
mod execution;
mod messaging;
mod settlement;

use crate::{Clock, ErrorKind, LayerError};
use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

/// One call of a layer that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// `da`, `execution`, `settlement` or `messaging`.
    pub layer: &'static str,
    /// The trait's method.
    pub method: &'static str,
    /// How long it took on the clock, in milliseconds.
    pub elapsed_ms: u64,
    /// Kind and code of its error; `None` for success.
    pub error: Option<(ErrorKind, &'static str)>,
}

impl Call {
    /// `ok`, or the error's kind: a label of few values.
    pub const fn outcome(&self) -> &'static str {
        match self.error {
            None => "ok",
            Some((kind, _)) => kind.as_str(),
        }
    }
}

/// Where calls are counted: a metrics library, or [`CallCounts`].
///
/// Called on the caller's thread at the end of each call; must not block.
pub trait Meter: fmt::Debug + Send + Sync + 'static {
    /// A call has ended. Calls whose future was dropped are not reported.
    fn call(&self, call: Call);
}

/// Tells a [`Meter`] about every asynchronous call, and changes nothing.
///
/// The synchronous reads and checks are not metered.
#[derive(Clone, Debug)]
pub struct Metered<L> {
    layer: L,
    clock: Arc<dyn Clock>,
    meter: Arc<dyn Meter>,
}

impl<L> Metered<L> {
    /// Wraps a layer.
    pub fn new(layer: L, clock: Arc<dyn Clock>, meter: impl Meter) -> Self {
        Self {
            layer,
            clock,
            meter: Arc::new(meter),
        }
    }

    async fn measure<T, E: LayerError>(
        &self,
        layer: &'static str,
        method: &'static str,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let begin = self.clock.now_ms();
        let result = call.await;
        self.meter.call(Call {
            layer,
            method,
            elapsed_ms: self.clock.now_ms().saturating_sub(begin),
            error: result
                .as_ref()
                .err()
                .map(|error| (error.kind(), error.code())),
        });
        result
    }
}

/// Sums over calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub calls: u64,
    /// How long all of them took, in milliseconds.
    pub elapsed_ms: u64,
}

type Counts = BTreeMap<(&'static str, &'static str, &'static str), Count>;

/// Counts by layer, method and outcome. Clones share their counts.
#[derive(Clone, Debug, Default)]
pub struct CallCounts(Arc<Mutex<Counts>>);

impl CallCounts {
    /// All counts, ascending by (layer, method, outcome).
    pub fn all(&self) -> Vec<((&'static str, &'static str, &'static str), Count)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(key, count)| (*key, *count)).collect()
    }

    /// The calls of one method that ended in one way.
    pub fn get(&self, layer: &str, method: &str, outcome: &str) -> Count {
        self.all()
            .into_iter()
            .find(|(key, _)| *key == (layer, method, outcome))
            .map(|(_, count)| count)
            .unwrap_or_default()
    }
}

impl Meter for CallCounts {
    fn call(&self, call: Call) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts
            .entry((call.layer, call.method, call.outcome()))
            .or_default();
        count.calls = count.calls.saturating_add(1);
        count.elapsed_ms = count.elapsed_ms.saturating_add(call.elapsed_ms);
    }
}
