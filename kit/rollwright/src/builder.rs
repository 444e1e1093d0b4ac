//! Puts four layers together and starts the result.

use crate::{Project, Running, StartError, serve::Serves};
use rollwright_core::Rollup;
use rollwright_derive::Derivable;
use std::{fmt, marker::PhantomData};

/// A layer that was not named yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missing;

/// A layer that was named.
#[derive(Clone)]
pub struct Given<T>(T);

/// A builder with all four layers: what [`start`](Builder::start) wants.
pub type ReadyBuilder<R> = Builder<
    R,
    Given<<R as Rollup>::Execution>,
    Given<<R as Rollup>::Da>,
    Given<<R as Rollup>::Settlement>,
    Given<<R as Rollup>::Messaging>,
>;

/// Names the four layers of `R`, in any order, and starts them.
///
/// A layer that is missing is a compile error which says what to call.
pub struct Builder<R: Rollup, E = Missing, D = Missing, S = Missing, M = Missing> {
    project: Project,
    execution: E,
    da: D,
    settlement: S,
    messaging: M,
    later_da: Vec<R::Da>,
    rollup: PhantomData<fn() -> R>,
}

impl<R: Rollup> Builder<R> {
    /// A builder with the node's settings and no layer.
    pub fn new(project: &Project) -> Self {
        Self {
            project: project.clone(),
            execution: Missing,
            da: Missing,
            settlement: Missing,
            messaging: Missing,
            later_da: Vec::new(),
            rollup: PhantomData,
        }
    }
}

impl<R: Rollup, E, D, S, M> Builder<R, E, D, S, M> {
    /// The layer that executes blocks and keeps their state.
    pub fn execution(self, execution: R::Execution) -> Builder<R, Given<R::Execution>, D, S, M> {
        let Self {
            project,
            da,
            settlement,
            messaging,
            later_da,
            rollup,
            ..
        } = self;
        Builder {
            project,
            execution: Given(execution),
            da,
            settlement,
            messaging,
            later_da,
            rollup,
        }
    }

    /// The layer that publishes data and keeps its order.
    pub fn da(self, da: R::Da) -> Builder<R, E, Given<R::Da>, S, M> {
        let Self {
            project,
            execution,
            settlement,
            messaging,
            later_da,
            rollup,
            ..
        } = self;
        Builder {
            project,
            execution,
            da: Given(da),
            settlement,
            messaging,
            later_da,
            rollup,
        }
    }

    /// The layers of the chain's later DA epochs, in order: what
    /// [`Project::later_da`] opens. Needed once an amendment begins one.
    #[must_use]
    pub fn continue_on(mut self, later: impl IntoIterator<Item = R::Da>) -> Self {
        self.later_da.extend(later);
        self
    }

    /// The layer that makes the state believed by others.
    pub fn settlement(
        self,
        settlement: R::Settlement,
    ) -> Builder<R, E, D, Given<R::Settlement>, M> {
        let Self {
            project,
            execution,
            da,
            messaging,
            later_da,
            rollup,
            ..
        } = self;
        Builder {
            project,
            execution,
            da,
            settlement: Given(settlement),
            messaging,
            later_da,
            rollup,
        }
    }

    /// The layer that exchanges packets with other chains.
    pub fn messaging(self, messaging: R::Messaging) -> Builder<R, E, D, S, Given<R::Messaging>> {
        let Self {
            project,
            execution,
            da,
            settlement,
            later_da,
            rollup,
            ..
        } = self;
        Builder {
            project,
            execution,
            da,
            settlement,
            messaging: Given(messaging),
            later_da,
            rollup,
        }
    }

    /// Opens the RPC port, starts the node, and returns once it serves.
    ///
    /// Nothing runs if any part fails. Dropping the future stops what was
    /// started.
    pub async fn start(self) -> Result<Running<R>, StartError>
    where
        R::Execution: Derivable + Serves,
        E: HasExecution<R>,
        D: HasDa<R>,
        S: HasSettlement<R>,
        M: HasMessaging<R>,
    {
        let layers = rollwright_core::Layers {
            execution: self.execution.take(),
            da: self.da.take(),
            settlement: self.settlement.take(),
            messaging: self.messaging.take(),
        };
        Running::start(&self.project, layers, self.later_da).await
    }
}

impl<R: Rollup, E, D, S, M> fmt::Debug for Builder<R, E, D, S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Given<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

macro_rules! has {
    ($($trait:ident, $layer:ident, $doc:literal, $message:literal, $label:literal;)*) => {$(
        #[doc = $doc]
        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $trait<R: Rollup> {
            /// Hands the layer over.
            fn take(self) -> R::$layer;
        }

        impl<R: Rollup> $trait<R> for Given<R::$layer> {
            fn take(self) -> R::$layer {
                self.0
            }
        }
    )*};
}

has! {
    HasExecution, Execution, "A builder that has its execution layer.",
        "the rollup has no execution layer", "call `.execution(..)` before `.start()`";
    HasDa, Da, "A builder that has its data-availability layer.",
        "the rollup has no data-availability layer", "call `.da(..)` before `.start()`";
    HasSettlement, Settlement, "A builder that has its settlement layer.",
        "the rollup has no settlement layer", "call `.settlement(..)` before `.start()`";
    HasMessaging, Messaging, "A builder that has its messaging layer.",
        "the rollup has no messaging layer", "call `.messaging(..)` before `.start()`";
}
