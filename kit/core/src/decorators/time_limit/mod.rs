mod da;

use crate::{Clock, ErrorKind, LayerError};
use std::{
    error::Error,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

/// Gives up on a call that takes longer than a limit, with a `Temporary` error.
///
/// The call's future is dropped then, so the call may have taken effect or not,
/// as with any call whose answer was lost: every call of the layer traits is
/// idempotent and may be made again. Synchronous calls are not limited. Only
/// [`DataAvailability`](crate::DataAvailability) so far.
///
/// A caller that was itself busy for longer than the limit, and did not poll
/// the call meanwhile, still gives it a quarter of the limit.
#[derive(Clone, Debug)]
pub struct TimeLimit<L> {
    layer: L,
    clock: Arc<dyn Clock>,
    limit: Duration,
}

/// An error of a layer whose calls have a time limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeLimitError<E> {
    /// The layer's own.
    Layer(E),
    /// The layer did not answer in time.
    Elapsed {
        /// The trait's method.
        method: &'static str,
        /// The time that it had.
        limit: Duration,
    },
}

impl<E: fmt::Display> fmt::Display for TimeLimitError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layer(error) => error.fmt(f),
            Self::Elapsed { method, limit } => write!(
                f,
                "no answer to `{method}` within {limit:?} (help: check that the layer's endpoint works; give a slow one more time with da.timeout)"
            ),
        }
    }
}

impl<E: Error + 'static> Error for TimeLimitError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Layer(error) => error.source(),
            Self::Elapsed { .. } => None,
        }
    }
}

impl<E: LayerError> LayerError for TimeLimitError<E> {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Layer(error) => error.kind(),
            Self::Elapsed { .. } => ErrorKind::Temporary,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Layer(error) => error.code(),
            Self::Elapsed { .. } => "RW-DA-303",
        }
    }
}

impl<L> TimeLimit<L> {
    /// Wraps a layer. Each call has `limit` on `clock`.
    pub fn new(layer: L, clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self {
            layer,
            clock,
            limit,
        }
    }

    /// The layer, whose calls have no limit when made through it.
    pub const fn layer(&self) -> &L {
        &self.layer
    }

    /// Gives the limit to a call that is no method of a layer trait; `method`
    /// names it in the error.
    pub async fn within<T: Send, E: LayerError>(
        &self,
        method: &'static str,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, TimeLimitError<E>> {
        let mut call = pin!(call);
        // The rest begins when the end of the first stretch is seen.
        let rest = self.limit / 4;
        let mut stretches = [self.limit.saturating_sub(rest), rest].into_iter();
        // Made where the call is not answered at once, so that a fast layer
        // costs no timer.
        let mut end = None;
        poll_fn(move |context| {
            if let Poll::Ready(result) = call.as_mut().poll(context) {
                return Poll::Ready(result.map_err(TimeLimitError::Layer));
            }
            loop {
                let timer = match end.as_mut() {
                    Some(timer) => timer,
                    None => match stretches.next() {
                        Some(stretch) => end.insert(self.clock.sleep(stretch)),
                        None => {
                            return Poll::Ready(Err(TimeLimitError::Elapsed {
                                method,
                                limit: self.limit,
                            }));
                        }
                    },
                };
                ready!(timer.as_mut().poll(context));
                end = None;
            }
        })
        .await
    }
}
