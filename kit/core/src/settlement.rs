use crate::{
    Claim, ClaimId, ClaimStatus, Evidence, GameState, LayerError, Mode, Move, ProofKind,
    SettlementHead, Span,
};
use alloc::vec::Vec;
use core::future::Future;

/// A layer that makes a rollup's state believed by others.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a settlement layer",
    note = "pass `Sovereign::new()` for a rollup that every node verifies by itself"
)]
pub trait Settlement: Clone + Send + Sync + 'static {
    /// What can go wrong.
    type Error: LayerError;

    /// Finality rule and trust statement, as data. Constant.
    fn mode(&self) -> Mode;

    /// Last commitment proposed, last final one, and where that was read.
    fn head(&self) -> impl Future<Output = Result<SettlementHead, Self::Error>> + Send;

    /// Proposes a claim. Idempotent per claim; journalled before anything is
    /// broadcast, so proposing again after a crash does not post it twice.
    fn propose(&self, claim: &Claim) -> impl Future<Output = Result<ClaimId, Self::Error>> + Send;

    /// The state of a claim; `Unknown` for one never seen.
    fn status(&self, id: &ClaimId)
    -> impl Future<Output = Result<ClaimStatus, Self::Error>> + Send;

    /// Makes a move against, or in defence of, a claim. `Rejected` where the
    /// mode has no disputes or it is not our turn.
    fn dispute(
        &self,
        id: &ClaimId,
        step: Move,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Claims by anyone that stand in settlement blocks above `since`, oldest
    /// first, at most `limit`, each with its settlement block: what a watcher
    /// compares with its own commitments. Empty where nobody else can propose.
    fn claims(
        &self,
        since: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(u64, Claim)>, Self::Error>> + Send {
        let _ = (since, limit);
        async { Ok(Vec::new()) }
    }

    /// Open games on a claim. Empty where the mode has no disputes.
    fn games(
        &self,
        id: &ClaimId,
    ) -> impl Future<Output = Result<Vec<GameState>, Self::Error>> + Send {
        let _ = id;
        async { Ok(Vec::new()) }
    }

    /// Checks evidence for a claim. Local and pure.
    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), Self::Error>;
}

/// A way to prove steps. Pure: state and event in, proof or move out.
pub trait ProofSystem {
    /// Read access to the steps of an executed span.
    type Trace: ?Sized;
    /// What can go wrong.
    type Error: LayerError;

    /// Which kind of evidence it makes.
    fn kind(&self) -> ProofKind;

    /// Proves a span.
    fn prove(&self, span: &Span, trace: &Self::Trace) -> Result<Evidence, Self::Error>;

    /// The next move in a game; `None` where there is nothing to do.
    fn respond(&self, game: &GameState, trace: &Self::Trace) -> Result<Option<Move>, Self::Error>;
}
