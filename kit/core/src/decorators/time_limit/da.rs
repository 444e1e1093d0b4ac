use super::{TimeLimit, TimeLimitError};
use crate::{
    B256, BlobRef, DaBlock, DaBlockId, DaCaps, DaClaim, DaHead, DaHeader, DaHeight,
    DataAvailability, Fee, PostingUnit, Proof, Submission,
};

impl<L: DataAvailability> DataAvailability for TimeLimit<L> {
    type Error = TimeLimitError<L::Error>;

    fn caps(&self) -> DaCaps {
        self.layer.caps()
    }

    async fn head(&self) -> Result<DaHead, TimeLimitError<L::Error>> {
        self.within("head", self.layer.head()).await
    }

    async fn submit(&self, unit: &PostingUnit) -> Result<Submission, TimeLimitError<L::Error>> {
        self.within("submit", self.layer.submit(unit)).await
    }

    async fn fetch(
        &self,
        height: DaHeight,
        hash: Option<B256>,
    ) -> Result<DaBlock, TimeLimitError<L::Error>> {
        self.within("fetch", self.layer.fetch(height, hash)).await
    }

    async fn prove(&self, blob: &BlobRef) -> Result<Proof, TimeLimitError<L::Error>> {
        self.within("prove", self.layer.prove(blob)).await
    }

    fn verify(
        &self,
        header: &DaHeader,
        claim: &DaClaim,
        proof: &Proof,
    ) -> Result<(), TimeLimitError<L::Error>> {
        self.layer
            .verify(header, claim, proof)
            .map_err(TimeLimitError::Layer)
    }

    async fn estimate_fee(
        &self,
        unit: &PostingUnit,
    ) -> Result<Option<Fee>, TimeLimitError<L::Error>> {
        self.within("estimate_fee", self.layer.estimate_fee(unit))
            .await
    }

    async fn header(&self, height: DaHeight) -> Result<DaHeader, TimeLimitError<L::Error>> {
        self.within("header", self.layer.header(height)).await
    }

    async fn is_canonical(&self, block: DaBlockId) -> Result<bool, TimeLimitError<L::Error>> {
        self.within("is_canonical", self.layer.is_canonical(block))
            .await
    }
}
