use super::DeriveError;
use crate::{EpochStart, Rules, state::DeriverState};
use alloy_primitives::B256;
use rollwright_core::{DaHeader, DaHeight, DaOrdinal};

/// The next DA block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaRequest {
    /// Its ordinal.
    pub ordinal: DaOrdinal,
    /// The DA epoch whose layer has it.
    pub epoch: u32,
    /// Which of that layer's blocks it is.
    pub place: DaPlace,
}

/// Which block of a layer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DaPlace {
    /// The one at a height.
    At {
        /// The height.
        height: DaHeight,
        /// What its parent hash must be; `None` for the first block of all.
        parent_hash: Option<B256>,
    },
    /// The first one of an epoch: the lowest one, at `least` or above, whose
    /// time is above `after`. To be handed in once the DA block before is
    /// final.
    First {
        /// The least height.
        least: DaHeight,
        /// Time of the last DA block of the epoch before, in Unix seconds.
        after: u64,
    },
}

impl DaRequest {
    pub(super) fn next(rules: &Rules, state: &DeriverState) -> Self {
        let ordinal = state.next_ordinal();
        let epoch = rules.epoch_at(ordinal);
        let last = state.last_ordinal().and_then(|last| state.origin(last));
        let begins = epoch.index > 0 && epoch.begins == ordinal;
        let place = match last {
            Some(last) if begins => DaPlace::First {
                least: epoch.config.start_height,
                after: last.time,
            },
            Some(last) => DaPlace::At {
                height: DaHeight(last.height.0.saturating_add(1)),
                parent_hash: Some(last.hash),
            },
            None => DaPlace::At {
                height: epoch.config.start_height,
                parent_hash: None,
            },
        };
        Self {
            ordinal,
            epoch: epoch.index,
            place,
        }
    }

    /// The height wanted; `None` where the block begins an epoch.
    pub const fn height(&self) -> Option<DaHeight> {
        match self.place {
            DaPlace::At { height, .. } => Some(height),
            DaPlace::First { .. } => None,
        }
    }

    /// What the state remembers of a block that begins an epoch above the
    /// first.
    pub(super) fn start(&self, header: &DaHeader) -> Option<EpochStart> {
        matches!(self.place, DaPlace::First { .. }).then_some(EpochStart {
            ordinal: self.ordinal,
            height: header.height,
        })
    }

    pub(super) fn check_follows(&self, header: &DaHeader) -> Result<(), DeriveError> {
        let DaPlace::At {
            height,
            parent_hash,
        } = self.place
        else {
            return Err(DeriveError::OutOfTurn("a DA block by its height"));
        };
        if header.height != height {
            return Err(DeriveError::WrongHeight {
                expected: height,
                found: header.height,
            });
        }
        match parent_hash {
            Some(expected) if expected != header.parent_hash => Err(DeriveError::Reorganised {
                height,
                expected,
                found: header.parent_hash,
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn check_first(
        &self,
        header: &DaHeader,
        below: Option<&DaHeader>,
    ) -> Result<(), DeriveError> {
        let DaPlace::First { least, after } = self.place else {
            return Err(DeriveError::OutOfTurn("the first DA block of an epoch"));
        };
        let refused = |what| DeriveError::EpochStart {
            epoch: self.epoch,
            height: header.height,
            what,
        };
        if header.height < least {
            return Err(refused("it lies below the epoch's least height"));
        }
        if header.time <= after {
            return Err(refused(
                "its time is not above that of the epoch before's last block",
            ));
        }
        if header.height == least {
            return Ok(());
        }
        let Some(below) = below else {
            return Err(refused("the header below it is missing"));
        };
        let follows = below.hash == header.parent_hash
            && below.height.0.checked_add(1) == Some(header.height.0);
        if !follows {
            return Err(refused("the header below it is another block's"));
        }
        if below.time > after {
            return Err(refused("the block below it is late enough already"));
        }
        Ok(())
    }
}
