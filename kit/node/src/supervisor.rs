use crate::{NodeError, Spawner};
use futures_util::{
    FutureExt,
    future::{AbortHandle, abortable},
};
use parking_lot::Mutex;
use rollwright_core::{Clock, LayerError};
use std::{future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Runs a node's tasks. The first that fails stops all of them, with its
/// error: no task ends unnoticed.
#[derive(Debug)]
pub(crate) struct Supervisor {
    stop: CancellationToken,
    tasks: TaskTracker,
    spawner: Arc<dyn Spawner>,
    handles: Mutex<Vec<AbortHandle>>,
    failure: watch::Sender<Option<NodeError>>,
}

impl Supervisor {
    pub(crate) fn new(spawner: Arc<dyn Spawner>) -> Self {
        Self {
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            spawner,
            handles: Mutex::default(),
            failure: watch::Sender::new(None),
        }
    }

    /// Cancelled when the node stops.
    pub(crate) fn token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs a task that is to last as long as the node.
    pub(crate) fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = Result<(), NodeError>> + Send + 'static,
    {
        let stop = self.stop.clone();
        let failure = self.failure.clone();
        let task = self.tasks.track_future(async move {
            let error = match AssertUnwindSafe(task).catch_unwind().await {
                Ok(Ok(())) if stop.is_cancelled() => return,
                Ok(Ok(())) => NodeError::Invariant {
                    what: format!("the task {name} ended by itself"),
                },
                Ok(Err(error)) => error,
                Err(_) => NodeError::Invariant {
                    what: format!("the task {name} panicked"),
                },
            };
            tracing::error!(target: "node", task = name, code = error.code(), "{error}");
            failure.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(error);
                is_first
            });
            stop.cancel();
        });
        let (task, handle) = abortable(task);
        self.handles.lock().push(handle);
        self.spawner.spawn(name, Box::pin(task.map(|_| ())));
    }

    /// Why the node stopped by itself; `None` while it runs or was told to.
    pub(crate) fn failure(&self) -> Option<NodeError> {
        self.failure.borrow().clone()
    }

    /// Holds the error that stops the node, from before the others hear of the
    /// stop.
    pub(crate) fn watch_failure(&self) -> watch::Receiver<Option<NodeError>> {
        self.failure.subscribe()
    }

    /// Completes once the node is stopping.
    pub(crate) async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Asks all tasks to end and waits for them, at most `timeout`. False
    /// where some had to be abandoned.
    pub(crate) async fn shut_down(&self, clock: &dyn Clock, timeout: Duration) -> bool {
        self.stop.cancel();
        self.tasks.close();
        tokio::select! {
            biased;
            () = self.tasks.wait() => true,
            () = clock.sleep(timeout) => {
                self.abort();
                false
            }
        }
    }

    fn abort(&self) {
        self.stop.cancel();
        for handle in self.handles.lock().drain(..) {
            handle.abort();
        }
    }
}

impl Drop for Supervisor {
    /// A node that is dropped ends at once, as if it were killed.
    fn drop(&mut self) {
        self.abort();
    }
}
