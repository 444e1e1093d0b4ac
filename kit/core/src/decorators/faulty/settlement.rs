use super::{Faulty, FaultyError};
use crate::{
    Claim, ClaimId, ClaimStatus, Evidence, GameState, Mode, Move, Settlement, SettlementHead,
};

impl<L: Settlement> Settlement for Faulty<L> {
    type Error = FaultyError<L::Error>;

    fn mode(&self) -> Mode {
        self.layer.mode()
    }

    async fn head(&self) -> Result<SettlementHead, FaultyError<L::Error>> {
        self.disturb("head", self.layer.head()).await
    }

    async fn propose(&self, claim: &Claim) -> Result<ClaimId, FaultyError<L::Error>> {
        self.disturb("propose", self.layer.propose(claim)).await
    }

    async fn status(&self, id: &ClaimId) -> Result<ClaimStatus, FaultyError<L::Error>> {
        self.disturb("status", self.layer.status(id)).await
    }

    async fn dispute(&self, id: &ClaimId, step: Move) -> Result<(), FaultyError<L::Error>> {
        self.disturb("dispute", self.layer.dispute(id, step)).await
    }

    async fn claims(
        &self,
        since: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Claim)>, FaultyError<L::Error>> {
        self.disturb("claims", self.layer.claims(since, limit))
            .await
    }

    async fn games(&self, id: &ClaimId) -> Result<Vec<GameState>, FaultyError<L::Error>> {
        self.disturb("games", self.layer.games(id)).await
    }

    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), FaultyError<L::Error>> {
        self.layer
            .verify(claim, evidence)
            .map_err(FaultyError::Layer)
    }
}
