use crate::NodeError;
use rollwright_core::{
    DaBlock, DaBlockId, DaCaps, DaHeader, DaHeight, DaOrdinal, DataAvailability, ErrorKind,
    LayerError,
};
use rollwright_derive::{DeriverState, Rules, piece_bytes};
use std::sync::Arc;

/// The DA layers of a chain, one for each of its DA epochs from the first on
/// (`derivation.md` §8).
///
/// May end before the chain's last epoch: a node then works until derivation
/// reaches an epoch whose layer it lacks, and fails with
/// [`NodeError::MissingLayer`]. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct DaLayers<D>(Arc<[D]>);

impl<D> From<D> for DaLayers<D> {
    fn from(first: D) -> Self {
        Self(Arc::new([first]))
    }
}

impl<D> DaLayers<D> {
    /// Those of the epochs, from the first on.
    pub fn new(first: D, later: impl IntoIterator<Item = D>) -> Self {
        Self(std::iter::once(first).chain(later).collect())
    }

    /// That of an epoch; `None` where there is none.
    pub fn get(&self, epoch: usize) -> Option<&D> {
        self.0.get(epoch)
    }
}

/// The first block of an epoch, with what shows that it is the first.
#[derive(Debug)]
pub(crate) struct FirstBlock {
    pub(crate) block: DaBlock,
    pub(crate) below: Option<DaHeader>,
}

impl<D: DataAvailability> DaLayers<D> {
    /// That of an epoch.
    pub(crate) fn of(&self, rules: &Rules, epoch: u32) -> Result<&D, NodeError> {
        let named = rules.epochs().get(epoch as usize);
        self.0
            .get(epoch as usize)
            .ok_or_else(|| NodeError::MissingLayer {
                epoch,
                begins: named.map_or(0, |epoch| epoch.begins.0),
                layer: named.map_or_else(String::new, |epoch| epoch.config.layer.clone()),
            })
    }

    /// That of an ordinal's epoch.
    pub(crate) fn at(&self, rules: &Rules, ordinal: DaOrdinal) -> Result<&D, NodeError> {
        self.of(rules, rules.epoch_at(ordinal).index)
    }

    /// What each layer is and can do, in order.
    pub(crate) fn caps(&self) -> Vec<DaCaps> {
        self.0.iter().map(DataAvailability::caps).collect()
    }
}

/// The last height that an epoch has, or `head` where that is lower or the
/// epoch does not end.
pub(crate) fn last_height(
    rules: &Rules,
    state: &DeriverState,
    epoch: u32,
    head: DaHeight,
) -> DaHeight {
    let end = rules
        .epochs()
        .get(epoch as usize + 1)
        .and_then(|next| state.height_of(rules, DaOrdinal(next.begins.0.checked_sub(1)?)));
    end.map_or(head, |end| end.min(head))
}

/// Ordinal of the newest block that counts for an epoch whose layer's head is
/// at `head`; `None` where it has none.
pub(crate) fn last_ordinal(
    rules: &Rules,
    state: &DeriverState,
    epoch: u32,
    head: DaHeight,
) -> Option<DaOrdinal> {
    state.ordinal_of(rules, epoch, last_height(rules, state, epoch, head))
}

/// Most bytes of a piece that every layer takes.
pub(crate) fn least_piece(caps: &[DaCaps]) -> u64 {
    let pieces = caps
        .iter()
        .map(|caps| piece_bytes(caps.max_blob_bytes, caps.max_unit_bytes));
    pieces.min().unwrap_or_default()
}

/// Finds the lowest block, at `least` or above and at most at `head`, whose
/// time is above `after`. `None` where there is none yet.
///
/// A height that the layer has pruned counts as too early; whether that is
/// true is seen when the deriver looks at the header below the one found.
pub(crate) async fn first_block<D: DataAvailability>(
    da: &D,
    least: DaHeight,
    after: u64,
    head: DaHeight,
) -> Result<Option<FirstBlock>, D::Error> {
    let late = async |height: u64| match da.header(DaHeight(height)).await {
        Ok(header) => Ok(header.time > after),
        Err(error) if error.kind() == ErrorKind::Pruned => Ok(false),
        Err(error) => Err(error),
    };
    if head < least || !late(head.0).await? {
        return Ok(None);
    }
    // Times never fall: everything at `high` and above is late enough.
    let (mut low, mut high) = (least.0, head.0);
    while low < high {
        let middle = low + (high - low) / 2;
        if late(middle).await? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    let block = da.fetch(DaHeight(high), None).await?;
    let below = match high.checked_sub(1) {
        Some(below) if high > least.0 => Some(da.header(DaHeight(below)).await?),
        _ => None,
    };
    Ok(Some(FirstBlock { block, below }))
}

/// True where the layer's final head shows that a block is final: it lies at or
/// above it, and the block is canonical.
pub(crate) async fn is_final<D: DataAvailability>(
    da: &D,
    block: DaBlockId,
    finalized: Option<DaBlockId>,
) -> Result<bool, D::Error> {
    match finalized {
        Some(head) if head.height >= block.height => da.is_canonical(block).await,
        _ => Ok(false),
    }
}
