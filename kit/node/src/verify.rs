//! Re-deriving a chain from DA alone, and comparing it with a stored one.

mod compare;
mod run;

use crate::{DaLayers, NodeError, derivation::rules, snapshot::snapshot_origin};
use compare::compare;
use rollwright_core::{BlockRef, ChainStore, DaHeight, DataAvailability, Heads};
use rollwright_derive::{Amendment, Derivable, Deriver};
use run::{Epoch, Run};

/// What to verify, and how.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Amendments of the chain configuration, oldest first.
    pub amendments: Vec<Amendment>,
    /// DA blocks fetched at the same time; 0 means 8.
    pub prefetch: usize,
}

/// How far verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// The DA block that was just worked off.
    pub height: DaHeight,
    /// The last one that will be.
    pub last: DaHeight,
    /// Blocks derived so far.
    pub blocks: u64,
    /// Blocks that the reference calls safe.
    pub of: u64,
}

/// What verification found: every derived block equals the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Number of blocks compared, genesis not counted.
    pub blocks: u64,
    /// The last block compared.
    pub head: BlockRef,
    /// The reference's heads.
    pub reference: Heads,
    /// Blocks of the reference above that: not posted yet.
    pub unposted: u64,
    /// Where the reference was filled from a snapshot, its block: of older
    /// blocks the reference keeps at most headers, and those that it does not
    /// keep are compared through the hash of their successor alone.
    pub snapshot: Option<BlockRef>,
    /// The last DA block read.
    pub height: Option<DaHeight>,
}

/// Re-derives the chain of `reference` from DA alone into the empty store of
/// `fresh`, and compares every block hash.
///
/// `progress` is called after each DA block. `Mismatch` names the first block
/// and header field that differ; `NotDerived` a safe block that DA does not
/// lead to; `Config` where `fresh` is not empty or of another chain. Reading
/// of DA is tried again a few times. Dropping the future leaves `fresh`
/// half-filled and nothing else changed.
pub async fn verify<E, D, S>(
    layers: &DaLayers<D>,
    fresh: &E,
    reference: &S,
    options: VerifyOptions,
    mut progress: impl FnMut(VerifyProgress) + Send,
) -> Result<Verified, NodeError>
where
    E: Derivable,
    D: DataAvailability,
    S: ChainStore + Sync,
{
    let genesis = fresh.genesis().await.map_err(NodeError::execution)?;
    let start = fresh.heads().map_err(NodeError::execution)?;
    if start.latest != genesis {
        return Err(NodeError::Config {
            what: "the store to derive into is not empty".into(),
            help: "give an empty directory".into(),
        });
    }
    compare(fresh, reference, genesis)?;
    let rules = rules(fresh, genesis, options.amendments)?;
    let mut run = Run {
        deriver: Deriver::new(rules.clone(), fresh.codec(), genesis, fresh.genesis_time()),
        layers,
        rules,
        fresh,
        reference,
        heads: reference.heads().map_err(NodeError::execution)?,
        snapshot: snapshot_origin(reference)?,
        prefetch: match options.prefetch {
            0 => 8,
            prefetch => prefetch,
        },
        height: None,
    };
    while run.epoch(&mut progress).await? == Epoch::Ended {}
    run.found()
}
