//! Where a node's work runs.

use crate::NodeError;
use futures_util::future::BoxFuture;
use std::fmt;
use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs a node's tasks.
///
/// A simulator implements it to decide when a task is polled, and to end a
/// node between any two of its steps.
pub trait Spawner: fmt::Debug + Send + Sync + 'static {
    /// Runs `task` until it completes, which it also does once it is woken
    /// after the node has given it up. `name` is constant and says what the
    /// task does.
    fn spawn(&self, name: &'static str, task: BoxFuture<'static, ()>);
}

/// Tasks of the tokio runtime in which the node is started.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawner;

impl Spawner for TokioSpawner {
    fn spawn(&self, _name: &'static str, task: BoxFuture<'static, ()>) {
        tokio::spawn(task);
    }
}

/// Runs work that takes long on a thread of its own, or in place on a runtime
/// that has one thread only, where the order of things is a function of what
/// happens.
///
/// Not cancelled with the future: what was begun is finished.
pub(crate) async fn blocking<T, F>(doing: &'static str, work: F) -> Result<T, NodeError>
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    let flavor = Handle::try_current().map(|handle| handle.runtime_flavor());
    if matches!(flavor, Ok(RuntimeFlavor::CurrentThread)) {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| NodeError::Invariant {
            what: format!("{doing}: {error}"),
        })
}
