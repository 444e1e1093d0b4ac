use super::Derivation;
use crate::{NodeError, batches, chain::Derived};
use rollwright_core::{DaHead, DaOrdinal, DataAvailability, LayerError};
use rollwright_derive::{Derivable, DeriveError};

impl<E: Derivable, D: DataAvailability> Derivation<E, D> {
    /// True where the DA layer's head contradicts what was read.
    pub(super) fn contradicts(&self, epoch: u32, head: &DaHead) -> bool {
        let (rules, state) = (self.deriver.rules(), self.deriver.state());
        let Some(ordinal) = state.ordinal_of(rules, epoch, head.observed.height) else {
            return false;
        };
        self.deriver
            .da_header(ordinal)
            .is_some_and(|read| read.hash != head.observed.hash)
    }

    /// Goes back to the last DA block that both the layer and the deriver
    /// have. Nothing changes where the layer cannot be read. Never goes back
    /// beyond the begin of an epoch: what lies before is final.
    pub(super) async fn roll_back(&mut self) -> Result<(), NodeError> {
        let rules = self.deriver.rules().clone();
        let least = self.deriver.final_below();
        let mut first = self.deriver.state().next_ordinal();
        while let Some(below) = first.0.checked_sub(1).map(DaOrdinal)
            && first > least
        {
            let Some(read) = self.deriver.da_header(below).copied() else {
                break;
            };
            let stands = self
                .layers
                .at(&rules, below)?
                .is_canonical(read.id())
                .await
                .map_err(NodeError::da)?;
            if stands {
                break;
            }
            first = below;
        }
        if first == least
            && let Some(below) = first.0.checked_sub(1).map(DaOrdinal)
            && let Some(read) = self.deriver.da_header(below).copied()
            // An endpoint that is behind does not know the block: that is no
            // answer, and passes.
            && self
                .layers
                .at(&rules, below)?
                .header(read.height)
                .await
                .map_err(NodeError::da)?
                .hash
                != read.hash
        {
            return Err(NodeError::FinalityViolated {
                height: read.height,
            });
        }
        let height_of = |ordinal| {
            let height = self.deriver.state().height_of(&rules, ordinal);
            height.unwrap_or(rules.epoch_at(ordinal).config.start_height)
        };
        let height = height_of(first);
        let rollback = self.deriver.rollback(first).map_err(|error| match error {
            DeriveError::Final { .. } => NodeError::FinalityViolated { height },
            other => NodeError::derive(other),
        })?;
        let unheard = self.unhear(first);
        let mut tip = self.chain.lock().await;
        let mut records = rollback.records;
        records.extend(unheard);
        records.extend(batches::remove_above(
            &self.chain.execution,
            rollback.safe.number,
        )?);
        for hook in &mut self.hooks {
            records.extend(hook.undone(rules.epoch_at(first).index, height)?);
        }
        let news = Derived {
            head: *self.deriver.state().head(),
            finalized: rollback.finalized,
            undone: Some(first),
            records,
            settles: true,
        };
        let removed = self.chain.derived(&mut tip, news).await?;
        self.publish(true);
        drop(tip);
        tracing::warn!(
            target: "da",
            %height,
            safe = rollback.safe.number,
            removed = removed.len(),
            "the DA layer reorganised"
        );
        metrics::counter!("rollwright_da_reorgs_total").increment(1);
        Ok(())
    }

    /// True where trying again may help.
    pub(super) fn is_passing(error: &NodeError) -> bool {
        matches!(error, NodeError::Da(failure) if failure.kind() != rollwright_core::ErrorKind::Fatal
            && failure.kind() != rollwright_core::ErrorKind::Pruned)
    }
}
