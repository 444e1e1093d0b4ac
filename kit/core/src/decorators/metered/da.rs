use super::Metered;
use crate::{
    B256, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight,
    DataAvailability, Fee, PostingUnit, Proof, Submission,
};

impl<L: DataAvailability> DataAvailability for Metered<L> {
    type Error = L::Error;

    fn caps(&self) -> DaCaps {
        self.layer.caps()
    }

    async fn head(&self) -> Result<DaHead, L::Error> {
        self.measure("da", "head", self.layer.head()).await
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, L::Error> {
        self.measure("da", "submit", self.layer.submit(unit)).await
    }

    async fn fetch(&self, height: DaHeight, hash: Option<B256>) -> Result<DaBlock, L::Error> {
        self.measure("da", "fetch", self.layer.fetch(height, hash))
            .await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, L::Error> {
        self.measure("da", "prove", self.layer.prove(blob)).await
    }

    fn verify(&self, header: &DaHeader, claim: &DaClaim, proof: &Proof) -> Result<(), L::Error> {
        self.layer.verify(header, claim, proof)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, L::Error> {
        self.measure("da", "estimate_fee", self.layer.estimate_fee(unit))
            .await
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, L::Error> {
        self.measure("da", "header", self.layer.header(height))
            .await
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, L::Error> {
        self.measure("da", "is_canonical", self.layer.is_canonical(block))
            .await
    }
}
