//! Layers chosen at run time: each box implements the trait that it holds.
//!
//! Rust users name their layers in a bundle and pay nothing; a command that
//! reads `rollup.toml` boxes them.
//!
//! ```
//! # futures_util::FutureExt::now_or_never(async {
//! use rollwright_core::{DataAvailability, boxed::BoxDa, memory::MemoryDa};
//!
//! let da = match "memory" {
//!     "memory" => BoxDa::new(MemoryDa::default()),
//!     _ => unreachable!(),
//! };
//! assert_eq!(da.head().await?.observed.height.0, 0);
//! # Ok::<(), rollwright_core::boxed::BoxError>(())
//! # }).unwrap().unwrap();
//! ```

mod da;
mod error;
mod execution;
mod messaging;
mod settlement;

#[cfg(all(test, feature = "conformance"))]
mod tests;

pub use da::BoxDa;
pub use error::BoxError;
pub use execution::BoxExecution;
pub use messaging::BoxMessaging;
pub use settlement::BoxSettlement;

use crate::LayerError;
use futures_util::future::BoxFuture;

type Boxed<'a, T> = BoxFuture<'a, Result<T, BoxError>>;

/// Boxes a layer's call, and its error.
fn boxed<'a, T, E: LayerError>(
    call: impl Future<Output = Result<T, E>> + Send + 'a,
) -> Boxed<'a, T> {
    Box::pin(async move { call.await.map_err(BoxError::new) })
}
