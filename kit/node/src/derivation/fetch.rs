use crate::{Backoff, fold::Errors};
use rollwright_core::{Clock, DaBlock, DaHeight, DataAvailability, ErrorKind, LayerError};
use std::sync::Arc;

/// How often a block is asked for before reading begins anew at the head.
const ATTEMPTS: u32 = 4;

/// Fetches blocks ahead of where derivation is.
#[derive(Clone)]
pub(super) struct Fetcher<D> {
    pub(super) da: D,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) errors: Arc<Errors>,
    pub(super) retry: Backoff,
}

impl<D: DataAvailability> Fetcher<D> {
    /// Fetches the block that the layer holds canonical at a height. Where that
    /// fails for the moment it is tried again in its place, so that the blocks
    /// which were fetched ahead of it are not lost.
    pub(super) async fn fetch(self, height: DaHeight) -> Result<DaBlock, D::Error> {
        let mut failures = 0;
        loop {
            match self.da.fetch(height, None).await {
                Err(error) if error.kind() == ErrorKind::Temporary && failures + 1 < ATTEMPTS => {
                    failures += 1;
                    self.errors.failed("da", "reading", &error);
                    self.clock.sleep(self.retry.pause(failures)).await;
                }
                answer => return answer,
            }
        }
    }
}
