use super::{BoxError, Boxed, boxed};
use crate::{
    B256, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight,
    DataAvailability, Fee, PostingUnit, Proof, Submission,
};
use std::{fmt, sync::Arc};

/// A data-availability layer behind a pointer; its errors become [`BoxError`].
#[derive(Clone)]
pub struct BoxDa(Arc<dyn DynDa>);

impl BoxDa {
    /// Boxes a layer.
    pub fn new(layer: impl DataAvailability) -> Self {
        Self(Arc::new(layer))
    }
}

impl fmt::Debug for BoxDa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxDa").finish_non_exhaustive()
    }
}

trait DynDa: Send + Sync {
    fn caps(&self) -> DaCaps;
    fn head<'a>(&'a self) -> Boxed<'a, DaHead>;
    fn submit<'a>(&'a self, unit: &'a PostingUnit) -> Boxed<'a, Submission>;
    fn fetch<'a>(&'a self, height: DaHeight, hash: Option<B256>) -> Boxed<'a, DaBlock>;
    fn prove<'a>(&'a self, blob: &'a BlobRef) -> Boxed<'a, Proof>;
    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), BoxError>;
    fn estimate_fee<'a>(&'a self, unit: &'a PostingUnit) -> Boxed<'a, Option<Fee>>;
    fn header<'a>(&'a self, height: DaHeight) -> Boxed<'a, DaHeader>;
    fn is_canonical<'a>(&'a self, block: DaBlockId) -> Boxed<'a, bool>;
}

impl<L: DataAvailability> DynDa for L {
    fn caps(&self) -> DaCaps {
        DataAvailability::caps(self)
    }

    fn head<'a>(&'a self) -> Boxed<'a, DaHead> {
        boxed(DataAvailability::head(self))
    }

    fn submit<'a>(&'a self, unit: &'a PostingUnit) -> Boxed<'a, Submission> {
        boxed(DataAvailability::submit(self, unit))
    }

    fn fetch<'a>(&'a self, height: DaHeight, hash: Option<B256>) -> Boxed<'a, DaBlock> {
        boxed(DataAvailability::fetch(self, height, hash))
    }

    fn prove<'a>(&'a self, blob: &'a BlobRef) -> Boxed<'a, Proof> {
        boxed(DataAvailability::prove(self, blob))
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), BoxError> {
        DataAvailability::verify(self, header, claim, proof).map_err(BoxError::new)
    }

    fn estimate_fee<'a>(&'a self, unit: &'a PostingUnit) -> Boxed<'a, Option<Fee>> {
        boxed(DataAvailability::estimate_fee(self, unit))
    }

    fn header<'a>(&'a self, height: DaHeight) -> Boxed<'a, DaHeader> {
        boxed(DataAvailability::header(self, height))
    }

    fn is_canonical<'a>(&'a self, block: DaBlockId) -> Boxed<'a, bool> {
        boxed(DataAvailability::is_canonical(self, block))
    }
}

impl DataAvailability for BoxDa {
    type Error = BoxError;

    fn caps(&self) -> DaCaps {
        self.0.caps()
    }

    async fn head(&self) -> Result<DaHead, BoxError> {
        self.0.head().await
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, BoxError> {
        self.0.submit(unit).await
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, BoxError> {
        self.0.fetch(height, hash).await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, BoxError> {
        self.0.prove(blob).await
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), BoxError> {
        self.0.verify(header, claim, proof)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, BoxError> {
        self.0.estimate_fee(unit).await
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, BoxError> {
        self.0.header(height).await
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, BoxError> {
        self.0.is_canonical(block).await
    }
}
