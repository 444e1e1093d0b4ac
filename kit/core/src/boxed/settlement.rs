use super::{BoxError, Boxed, boxed};
use crate::{
    Claim, ClaimId, ClaimStatus, Evidence, GameState, Mode, Move, Settlement, SettlementHead,
};
use std::{fmt, sync::Arc};

/// A settlement layer behind a pointer; its errors become [`BoxError`].
#[derive(Clone)]
pub struct BoxSettlement(Arc<dyn DynSettlement>);

impl BoxSettlement {
    /// Boxes a layer.
    pub fn new(layer: impl Settlement) -> Self {
        Self(Arc::new(layer))
    }
}

impl fmt::Debug for BoxSettlement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSettlement").finish_non_exhaustive()
    }
}

trait DynSettlement: Send + Sync {
    fn mode(&self) -> Mode;
    fn head<'a>(&'a self) -> Boxed<'a, SettlementHead>;
    fn propose<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, ClaimId>;
    fn status<'a>(&'a self, id: &'a ClaimId) -> Boxed<'a, ClaimStatus>;
    fn dispute<'a>(&'a self, id: &'a ClaimId, step: Move) -> Boxed<'a, ()>;
    fn claims<'a>(&'a self, since: u64, limit: usize) -> Boxed<'a, Vec<(u64, Claim)>>;
    fn games<'a>(&'a self, id: &'a ClaimId) -> Boxed<'a, Vec<GameState>>;
    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), BoxError>;
}

impl<L: Settlement> DynSettlement for L {
    fn mode(&self) -> Mode {
        Settlement::mode(self)
    }

    fn head<'a>(&'a self) -> Boxed<'a, SettlementHead> {
        boxed(Settlement::head(self))
    }

    fn propose<'a>(&'a self, claim: &'a Claim) -> Boxed<'a, ClaimId> {
        boxed(Settlement::propose(self, claim))
    }

    fn status<'a>(&'a self, id: &'a ClaimId) -> Boxed<'a, ClaimStatus> {
        boxed(Settlement::status(self, id))
    }

    fn dispute<'a>(&'a self, id: &'a ClaimId, step: Move) -> Boxed<'a, ()> {
        boxed(Settlement::dispute(self, id, step))
    }

    fn claims<'a>(&'a self, since: u64, limit: usize) -> Boxed<'a, Vec<(u64, Claim)>> {
        boxed(Settlement::claims(self, since, limit))
    }

    fn games<'a>(&'a self, id: &'a ClaimId) -> Boxed<'a, Vec<GameState>> {
        boxed(Settlement::games(self, id))
    }

    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), BoxError> {
        Settlement::verify(self, claim, evidence).map_err(BoxError::new)
    }
}

impl Settlement for BoxSettlement {
    type Error = BoxError;

    fn mode(&self) -> Mode {
        self.0.mode()
    }

    async fn head(&self) -> Result<SettlementHead, BoxError> {
        self.0.head().await
    }

    async fn propose(&self, claim: &Claim) -> Result<ClaimId, BoxError> {
        self.0.propose(claim).await
    }

    async fn status(&self, id: &ClaimId) -> Result<ClaimStatus, BoxError> {
        self.0.status(id).await
    }

    async fn dispute(&self, id: &ClaimId, step: Move) -> Result<(), BoxError> {
        self.0.dispute(id, step).await
    }

    async fn claims(&self, since: u64, limit: usize) -> Result<Vec<(u64, Claim)>, BoxError> {
        self.0.claims(since, limit).await
    }

    async fn games(&self, id: &ClaimId) -> Result<Vec<GameState>, BoxError> {
        self.0.games(id).await
    }

    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), BoxError> {
        self.0.verify(claim, evidence)
    }
}
