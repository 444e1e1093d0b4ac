use crate::{
    BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight, LayerError,
    PostingUnit, Proof, Submission,
};
use core::future::Future;

/// A layer that publishes a rollup's data and keeps its order.
///
/// A value serves one rollup at one address (a namespace, or an inbox with
/// its forced inbox) of one network. Everything that it returns has been
/// verified against the layer's own headers; how far those are trusted is
/// stated by the adapter.
///
/// Reorganisation is in the types: blocks are named by height *and* hash, and
/// [`head`](Self::head) tells the observed from the final one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a data-availability layer",
    note = "pass `LocalDa::open(..)`, or implement `DataAvailability` for your own layer"
)]
pub trait DataAvailability: Clone + Send + Sync + 'static {
    /// What can go wrong.
    type Error: LayerError;

    /// What the layer is and can do. Constant while the value lives.
    fn caps(&self) -> DaCaps;

    /// The newest block and the newest final block.
    ///
    /// Two calls may return heads on different forks. `finalized` never moves
    /// backwards.
    fn head(&self) -> impl Future<Output = Result<DaHead, Self::Error>> + Send;

    /// Posts a unit, or asks how far it is: one call for both.
    ///
    /// Idempotent by [`PostingUnit::id`]: submitting a unit again, also after
    /// a crash of either side, confirms it instead of posting it twice. The
    /// blobs of a unit keep their order; they may share a block or not.
    ///
    /// Returns as soon as the layer has taken the unit; it may then still be
    /// in no block. Dropping the future leaves it open whether the unit was
    /// taken: submit it again.
    ///
    /// `Rejected`: as it stands it will never be taken (too large, no such
    /// lane). `Temporary`: nothing is known, submit again.
    fn submit(
        &self,
        unit: &PostingUnit,
    ) -> impl Future<Output = Result<Submission, Self::Error>> + Send;

    /// All of the rollup's blobs in one block, with header facts and proof
    /// that nothing was left out or added.
    ///
    /// With `hash`, the block must be that one: after a reorganisation the
    /// error kind is `Rejected`. Without, it is the canonical block at the
    /// height. `NotYet` above the head, `Pruned` below what is retained.
    fn fetch(
        &self,
        height: DaHeight,
        hash: Option<alloy_primitives::B256>,
    ) -> impl Future<Output = Result<DaBlock, Self::Error>> + Send;

    /// A proof that the referenced blob stands in its block. `Rejected` if it
    /// does not, or if the block is not canonical any more.
    fn prove(&self, blob: &BlobRef) -> impl Future<Output = Result<Proof, Self::Error>> + Send;

    /// Checks a proof of inclusion or completeness against a header. Pure:
    /// no I/O, the same result for the same arguments everywhere.
    ///
    /// `Ok` means the claim holds. Every failure is of kind `Rejected`.
    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), Self::Error>;

    /// What posting the unit now would cost; `None` where the layer is free
    /// or cannot say.
    fn estimate_fee(
        &self,
        unit: &PostingUnit,
    ) -> impl Future<Output = Result<Option<crate::Fee>, Self::Error>> + Send {
        let _ = unit;
        async { Ok(None) }
    }

    /// Header facts of the canonical block at a height, without its blobs.
    /// Errors as for [`fetch`](Self::fetch).
    fn header(
        &self,
        height: DaHeight,
    ) -> impl Future<Output = Result<DaHeader, Self::Error>> + Send {
        async move { Ok(self.fetch(height, None).await?.header) }
    }

    /// True while `block` is on the layer's canonical chain.
    fn is_canonical(
        &self,
        block: DaBlockId,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send {
        async move {
            match self.header(block.height).await {
                Ok(header) => Ok(header.hash == block.hash),
                Err(error) if error.kind() == crate::ErrorKind::NotYet => Ok(false),
                Err(error) => Err(error),
            }
        }
    }
}
