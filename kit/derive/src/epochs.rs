//! DA epochs: runs of DA blocks on one layer each, and how their heights are
//! counted as ordinals (PROTOCOL.md §2).

use crate::{DaEpochConfig, Rules, state::DeriverState};
use borsh::{BorshDeserialize, BorshSerialize};
use rollwright_core::{DaHeight, DaOrdinal};

/// One epoch of a chain, as its configuration gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaEpoch {
    /// Counted from 0.
    pub index: u32,
    /// Ordinal of its first block.
    pub begins: DaOrdinal,
    /// Its layer. `start_height` is the height of the first block in epoch 0,
    /// and the least possible one later.
    pub config: DaEpochConfig,
}

/// Where an epoch above the first one began on its layer. Derivation finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EpochStart {
    /// Ordinal of its first block.
    pub ordinal: DaOrdinal,
    /// That block's height.
    pub height: DaHeight,
}

impl DeriverState {
    /// Where an epoch began; `None` before its first block was read. Epoch 0
    /// has always begun.
    pub fn epoch_start(&self, rules: &Rules, epoch: u32) -> Option<EpochStart> {
        match epoch.checked_sub(1) {
            None => Some(EpochStart {
                ordinal: DaOrdinal(0),
                height: rules.config().da.start_height,
            }),
            Some(above_first) => self.core().epochs.get(above_first as usize).copied(),
        }
    }

    /// True where the epochs that have begun are those which the rules know
    /// for the DA blocks that were read.
    pub(crate) fn has_epochs_of(&self, rules: &Rules) -> bool {
        let read = |begins: &DaOrdinal| *begins < self.next_ordinal();
        let begun = rules.epochs().iter().skip(1).map(|epoch| epoch.begins);
        let ours = self.core().epochs.iter().map(|start| start.ordinal);
        begun.take_while(read).eq(ours)
    }

    /// Ordinal of a height of an epoch's layer, read or not; `None` where the
    /// height lies below or above the epoch, or the epoch has not begun.
    pub fn ordinal_of(&self, rules: &Rules, epoch: u32, height: DaHeight) -> Option<DaOrdinal> {
        let start = self.epoch_start(rules, epoch)?;
        let into = height.0.checked_sub(start.height.0)?;
        let ordinal = DaOrdinal(start.ordinal.0.checked_add(into)?);
        (rules.epoch_at(ordinal).index == epoch).then_some(ordinal)
    }

    /// The last ordinal of an epoch that has begun and ends below a height.
    pub(crate) fn end_below(
        &self,
        rules: &Rules,
        epoch: u32,
        height: DaHeight,
    ) -> Option<DaOrdinal> {
        let start = self.epoch_start(rules, epoch)?;
        let next = rules.epochs().get(epoch as usize + 1)?;
        let end = DaOrdinal(next.begins.0.checked_sub(1)?);
        let into = end.since(start.ordinal);
        (start.height.0.checked_add(into)? < height.0).then_some(end)
    }

    /// Height of an ordinal on its epoch's layer, read or not; `None` where
    /// that epoch has not begun.
    pub fn height_of(&self, rules: &Rules, ordinal: DaOrdinal) -> Option<DaHeight> {
        let start = self.epoch_start(rules, rules.epoch_at(ordinal).index)?;
        let into = ordinal.since(start.ordinal);
        start.height.0.checked_add(into).map(DaHeight)
    }
}
