use futures_util::{StreamExt, stream, stream::BoxStream};
use rollwright_core::NodeEvent;
use tokio::sync::broadcast::{self, error::RecvError};

/// Events that a subscriber may fall behind.
const CAPACITY: usize = 1_024;

/// Tells subscribers what happens. Sending never waits.
#[derive(Clone, Debug)]
pub(crate) struct Events {
    sender: broadcast::Sender<NodeEvent>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self {
            sender: broadcast::channel(CAPACITY).0,
        }
    }

    pub(crate) fn send(&self, event: NodeEvent) {
        // Without subscribers nobody misses it.
        let _ = self.sender.send(event);
    }

    /// What happens from now on; ends with the node.
    pub(crate) fn subscribe(&self) -> BoxStream<'static, NodeEvent> {
        stream::unfold(self.sender.subscribe(), |mut receiver| async {
            let event = match receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(missed)) => NodeEvent::Lagged(missed),
                Err(RecvError::Closed) => return None,
            };
            Some((event, receiver))
        })
        .boxed()
    }
}
