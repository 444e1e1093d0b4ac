//! The step from one DA epoch to the next.

use super::{
    Derivation,
    driver::{InWorks, Reached},
};
use crate::{
    NodeError,
    layers::{first_block, is_final},
};
use rollwright_core::{DaHeight, DataAvailability, ErrorKind, LayerError as _};
use rollwright_derive::{Derivable, DeriveError};
use tokio_util::sync::CancellationToken;

impl<E: Derivable, D: DataAvailability> Derivation<E, D> {
    /// Waits for the end of the epoch before to be final, then finds and reads
    /// the first block of this one. `Head` where there is nothing to do yet.
    pub(super) async fn begin_epoch(
        &mut self,
        epoch: u32,
        least: DaHeight,
        after: u64,
        stop: &CancellationToken,
    ) -> Result<Reached, NodeError> {
        if self.holds_back() {
            return Ok(Reached::Head);
        }
        let ordinal = self.deriver.state().next_ordinal();
        if self.deriver.final_below() < ordinal && !self.end_epoch(epoch).await? {
            return Ok(Reached::Head);
        }
        let da = self.layers.of(self.deriver.rules(), epoch)?.clone();
        let found = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Reached::Stopped),
            found = async {
                let head = da.head().await?;
                let found = first_block(&da, least, after, head.observed.height).await?;
                Ok::<_, D::Error>(found.map(|found| (head, found)))
            } => found.map_err(NodeError::da)?,
        };
        let Some((head, first)) = found else {
            return Ok(Reached::Head);
        };
        match self
            .deriver
            .feed_first_block(&first.block, first.below.as_ref())
        {
            Ok(()) => {}
            // The layer reorganised while it was looked for.
            Err(error @ DeriveError::EpochStart { .. }) => {
                tracing::debug!(target: "da", %error, "looking again");
                return Ok(Reached::Head);
            }
            Err(error) => return Err(NodeError::derive(error)),
        }
        tracing::info!(
            target: "da",
            epoch,
            height = %first.block.header.height,
            layer = self.caps_of(epoch).map(|caps| caps.layer.as_str()),
            "the chain goes on upon another DA layer"
        );
        let works = InWorks::new(ordinal, &first.block, head.observed.height);
        match self.work_off(works, stop).await? {
            Reached::Stopped => Ok(Reached::Stopped),
            Reached::Head | Reached::Further => Ok(Reached::Further),
        }
    }

    /// True once the last block of the epoch before is final.
    async fn end_epoch(&mut self, epoch: u32) -> Result<bool, NodeError> {
        let before = epoch.saturating_sub(1);
        let Some(last) = self.deriver.state().last_da_block() else {
            return Ok(false);
        };
        let da = self.layers.of(self.deriver.rules(), before)?.clone();
        let head = da.head().await.map_err(NodeError::da)?;
        self.see(before, head);
        // An endpoint that is behind does not know the block yet.
        match da.header(last.height).await {
            Ok(header) if header.hash == last.hash => {}
            Ok(_) => {
                self.roll_back().await?;
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::NotYet => return Ok(false),
            Err(error) => return Err(NodeError::da(error)),
        }
        let done = is_final(&da, last, head.finalized)
            .await
            .map_err(NodeError::da)?;
        let finalized = if done { Some(last) } else { head.finalized };
        self.finalize(before, finalized).await?;
        Ok(done)
    }
}
