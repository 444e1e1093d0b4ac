use super::{Faulty, FaultyError};
use crate::{
    B256, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight,
    DataAvailability, Fee, PostingUnit, Proof, Submission,
};

impl<L: DataAvailability> DataAvailability for Faulty<L> {
    type Error = FaultyError<L::Error>;

    fn caps(&self) -> DaCaps {
        self.layer.caps()
    }

    async fn head(&self) -> Result<DaHead, FaultyError<L::Error>> {
        self.disturb("head", self.layer.head()).await
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, FaultyError<L::Error>> {
        self.disturb("submit", self.layer.submit(unit)).await
    }

    async fn fetch(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, FaultyError<L::Error>> {
        self.disturb("fetch", self.layer.fetch(height, hash)).await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, FaultyError<L::Error>> {
        self.disturb("prove", self.layer.prove(blob)).await
    }

    fn verify(
        &self,
        header: &DaHeader,
        claim: &DaClaim,
        proof: &Proof,
    ) -> Result<(), FaultyError<L::Error>> {
        self.layer
            .verify(header, claim, proof)
            .map_err(FaultyError::Layer)
    }

    async fn estimate_fee(&self, unit: &PostingUnit) -> Result<Option<Fee>, FaultyError<L::Error>> {
        self.disturb("estimate_fee", self.layer.estimate_fee(unit))
            .await
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, FaultyError<L::Error>> {
        self.disturb("header", self.layer.header(height)).await
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, FaultyError<L::Error>> {
        self.disturb("is_canonical", self.layer.is_canonical(block))
            .await
    }
}
