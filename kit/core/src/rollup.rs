use crate::{DataAvailability, Execution, Messaging, Settlement};

/// A rollup, named once: the bundle of its four layers on a unit struct.
///
/// ```
/// # use rollwright_core::*;
/// # use rollwright_core::memory::*;
/// /// Our rollup.
/// #[derive(Clone, Debug)]
/// pub struct Gizmo;
///
/// impl Rollup for Gizmo {
///     type Execution = MemoryExecution;
///     type Da = MemoryDa;
///     type Settlement = Sovereign;
///     type Messaging = MemoryMessaging;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name the four layers of a rollup",
    note = "implement `Rollup` and name `Execution`, `Da`, `Settlement` and `Messaging`"
)]
pub trait Rollup: Send + Sync + 'static {
    /// Executes blocks and keeps their state.
    type Execution: Execution;
    /// Publishes data and keeps its order.
    type Da: DataAvailability;
    /// Makes the state believed by others.
    type Settlement: Settlement;
    /// Exchanges packets with other chains.
    type Messaging: Messaging;
}

/// The four layers of a running rollup.
#[derive(Debug)]
pub struct Layers<R: Rollup> {
    /// Executes blocks and keeps their state.
    pub execution: R::Execution,
    /// Publishes data and keeps its order.
    pub da: R::Da,
    /// Makes the state believed by others.
    pub settlement: R::Settlement,
    /// Exchanges packets with other chains.
    pub messaging: R::Messaging,
}

impl<R: Rollup> Clone for Layers<R> {
    fn clone(&self) -> Self {
        Self {
            execution: self.execution.clone(),
            da: self.da.clone(),
            settlement: self.settlement.clone(),
            messaging: self.messaging.clone(),
        }
    }
}
