//! Who executes the derived blocks.

use rollwright_core::{BlockInput, ExecuteOutcome, Execution};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Executes a block on its parent. The outcome depends on the input alone.
pub trait Executor {
    /// A failure that says nothing about the block.
    type Error;

    /// Executes `input`, whose parent is genesis or was executed before.
    ///
    /// # Errors
    /// The engine could not say whether the block is valid.
    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, Self::Error>;
}

/// An execution layer called without a runtime: for engines whose futures wait
/// for nothing outside of themselves, as the in-memory one's and the EVM's.
#[derive(Clone, Debug)]
pub struct Blocking<E>(pub E);

impl<E: Execution> Executor for Blocking<E> {
    type Error = E::Error;

    fn execute(&mut self, input: &BlockInput) -> Result<ExecuteOutcome, E::Error> {
        now(self.0.execute(input))
    }
}

/// Polls until the future is ready; one that waits for a runtime's timer would
/// be polled for ever.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::yield_now();
    }
}
