use super::Retrying;
use crate::{
    Claim, ClaimId, ClaimStatus, Evidence, GameState, Mode, Move, Settlement, SettlementHead,
};

impl<L: Settlement> Settlement for Retrying<L> {
    type Error = L::Error;

    fn mode(&self) -> Mode {
        self.layer.mode()
    }

    async fn head(&self) -> Result<SettlementHead, L::Error> {
        self.retry(|| self.layer.head()).await
    }

    async fn propose(&self, claim: &Claim) -> Result<ClaimId, L::Error> {
        self.retry(|| self.layer.propose(claim)).await
    }

    async fn status(&self, id: &ClaimId) -> Result<ClaimStatus, L::Error> {
        self.retry(|| self.layer.status(id)).await
    }

    async fn dispute(&self, id: &ClaimId, step: Move) -> Result<(), L::Error> {
        self.retry(|| self.layer.dispute(id, step.clone())).await
    }

    async fn claims(&self, since: u64, limit: usize) -> Result<Vec<(u64, Claim)>, L::Error> {
        self.retry(|| self.layer.claims(since, limit)).await
    }

    async fn games(&self, id: &ClaimId) -> Result<Vec<GameState>, L::Error> {
        self.retry(|| self.layer.games(id)).await
    }

    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), L::Error> {
        self.layer.verify(claim, evidence)
    }
}
