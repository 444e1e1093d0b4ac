use super::lock;
use crate::{
    Claim, ClaimId, ClaimStatus, Commitment, ErrorKind, Evidence, FinalityRule, LayerError, Mode,
    ModeKind, Move, Settlement, SettlementHead,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Settlement of a sovereign rollup: there is no settlement chain, every node
/// derives the state by itself, and a claim is final with the DA block that it
/// was derived from.
///
/// The node [`report`](Self::report)s what it derived; claims are compared
/// with that. Clones share one view, which lives as long as any of them: after
/// a restart the node reports again. The newest 4,096 commitments are kept.
#[derive(Clone, Debug, Default)]
pub struct Sovereign(Arc<Mutex<View>>);

#[derive(Debug, Default)]
struct View {
    /// Own commitments by block number.
    own: BTreeMap<u64, Commitment>,
    claims: BTreeMap<ClaimId, Commitment>,
    proposed: Option<Commitment>,
    finalized: Option<Commitment>,
}

const KEPT: usize = 4_096;

/// What can go wrong in sovereign settlement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SovereignError {
    /// There is nobody to dispute with.
    #[error("a sovereign rollup has no disputes; a node that disagrees follows its own derivation")]
    NoDisputes,
    /// The claim contradicts what the node derived.
    #[error("the claim about block {number} differs from what this node derived")]
    Differs {
        /// The block number.
        number: u64,
    },
    /// The claim's own parts do not fit together.
    #[error("the claim is malformed: {reason}")]
    Malformed {
        /// Why.
        reason: &'static str,
    },
    /// The node has not derived that far.
    #[error("block {number} is not derived yet")]
    NotDerived {
        /// The block number.
        number: u64,
    },
    /// The commitment is not kept any more.
    #[error("the commitment of block {number} is not kept any more; {oldest} is the oldest")]
    Pruned {
        /// The block number.
        number: u64,
        /// The oldest block number with a commitment.
        oldest: u64,
    },
}

impl LayerError for SovereignError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotDerived { .. } => ErrorKind::NotYet,
            Self::Pruned { .. } => ErrorKind::Pruned,
            _ => ErrorKind::Rejected,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoDisputes => "RW-SET-101",
            Self::Differs { .. } => "RW-SET-102",
            Self::Malformed { .. } => "RW-SET-103",
            Self::NotDerived { .. } => "RW-SET-104",
            Self::Pruned { .. } => "RW-SET-105",
        }
    }
}

impl Sovereign {
    /// Nothing derived yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what the node derived at a block. `finalized` says that the DA
    /// block it was derived from is final. A commitment that is not final
    /// replaces those at and above its number, as a reorganisation does;
    /// finality never moves back.
    pub fn report(&self, commitment: Commitment, finalized: bool) {
        let mut view = lock(&self.0);
        let number = commitment.number;
        let floor = view.finalized.as_ref().map(|last| last.number);
        if floor.is_some_and(|floor| number <= floor) {
            return;
        }
        if view.own.get(&number) != Some(&commitment) {
            drop(view.own.split_off(&number));
            view.own.insert(number, commitment.clone());
        }
        if finalized {
            view.finalized = Some(commitment);
        }
        while view.own.len() > KEPT {
            view.own.pop_first();
        }
    }
}

impl View {
    fn compare(&self, claimed: &Commitment) -> Result<(), SovereignError> {
        let number = claimed.number;
        match self.own.get(&number) {
            Some(own) if own == claimed => Ok(()),
            Some(_) => Err(SovereignError::Differs { number }),
            None => match self.own.first_key_value() {
                Some((&oldest, _)) if number < oldest => {
                    Err(SovereignError::Pruned { number, oldest })
                }
                _ => Err(SovereignError::NotDerived { number }),
            },
        }
    }
}

fn check(claim: &Claim) -> Result<(), SovereignError> {
    let malformed = |reason| Err(SovereignError::Malformed { reason });
    if claim.steps.len() > Claim::MAX_STEPS {
        return malformed("it has more than 1,024 steps");
    }
    if claim.steps.last() != Some(&claim.last.hash()) {
        return malformed("its last step is not its last commitment");
    }
    Ok(())
}

impl Settlement for Sovereign {
    type Error = SovereignError;

    fn mode(&self) -> Mode {
        Mode {
            kind: ModeKind::Sovereign,
            finality: FinalityRule::DaFinal,
            trust: "You trust your own node and the data-availability layer.".into(),
        }
    }

    async fn head(&self) -> Result<SettlementHead, SovereignError> {
        let view = lock(&self.0);
        Ok(SettlementHead {
            proposed: view.proposed.clone(),
            finalized: view.finalized.clone(),
            settlement_block: 0,
        })
    }

    /// Keeps the claim if it agrees with what the node derived.
    async fn propose(&self, claim: &Claim) -> Result<ClaimId, SovereignError> {
        check(claim)?;
        let id = claim.id();
        let mut view = lock(&self.0);
        if view.claims.contains_key(&id) {
            return Ok(id);
        }
        view.compare(&claim.last)?;
        let newer = |last: &Commitment| last.number < claim.last.number;
        if view.proposed.as_ref().is_none_or(newer) {
            view.proposed = Some(claim.last.clone());
        }
        view.claims.insert(id, claim.last.clone());
        while view.claims.len() > KEPT {
            let oldest = view
                .claims
                .iter()
                .min_by_key(|(_, claimed)| claimed.number)
                .map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                view.claims.remove(&oldest);
            }
        }
        Ok(id)
    }

    /// `Pending` until the DA block is final, at no time that is known; then
    /// `Final`, or `Rejected` where a reorganisation led elsewhere.
    async fn status(&self, id: &ClaimId) -> Result<ClaimStatus, SovereignError> {
        let view = lock(&self.0);
        let Some(claimed) = view.claims.get(id) else {
            return Ok(ClaimStatus::Unknown);
        };
        let is_final = view
            .finalized
            .as_ref()
            .is_some_and(|last| claimed.number <= last.number);
        Ok(match view.compare(claimed) {
            Err(SovereignError::Differs { .. }) => ClaimStatus::Rejected,
            _ if is_final => ClaimStatus::Final,
            _ => ClaimStatus::Pending { until: u64::MAX },
        })
    }

    async fn dispute(&self, _id: &ClaimId, _step: Move) -> Result<(), SovereignError> {
        Err(SovereignError::NoDisputes)
    }

    /// Compares the claim with what the node derived; that is all the evidence
    /// there is, so `evidence` decides nothing.
    fn verify(&self, claim: &Claim, evidence: &Evidence) -> Result<(), SovereignError> {
        let _ = evidence;
        check(claim)?;
        lock(&self.0).compare(&claim.last)
    }
}
