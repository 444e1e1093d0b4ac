//! What an execution layer offers over RPC.

use crate::{Project, StartError};
use rollwright_core::NodeApi;
use std::sync::Arc;

/// An execution layer with methods of its own to serve.
#[diagnostic::on_unimplemented(
    message = "`{Self}` offers nothing over JSON-RPC",
    note = "implement `Serves` for it; an empty `Methods` is fine"
)]
pub trait Serves {
    /// The methods, over a running node.
    fn methods(
        &self,
        node: Arc<dyn NodeApi>,
        project: &Project,
    ) -> Result<rollwright_rpc::Methods, StartError>;
}
