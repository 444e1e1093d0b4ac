mod claims;

#[cfg(test)]
mod tests;

use super::{
    Report, Stop, ensure, ensure_kind,
    report::{Verdict, suite},
};
use crate::{Claim, ClaimStatus, Settlement};

/// What the suite does to a settlement layer.
///
/// The harness knows a chain of true claims, number 0, 1, 2, …, each starting
/// where the one before ends.
#[allow(async_fn_in_trait, reason = "the suite awaits in place")]
pub trait SettlementHarness {
    /// The implementation under test.
    type Settlement: Settlement;

    /// Opens the layer; a further call is a restart.
    async fn open(&self) -> Self::Settlement;

    /// A true claim, after telling the layer whatever it must know to find it
    /// true (own derivation, DA blocks).
    async fn claim(&self, n: u64) -> Claim;

    /// A false claim in the place of a true one.
    async fn false_claim(&self, n: u64) -> Claim;

    /// Returns once claim `n`, proposed before and undisputed, must be final.
    async fn finalise(&self, n: u64);
}

/// Runs the suite of [`Settlement`]; `new` makes a fresh layer.
pub async fn settlement<H: SettlementHarness, F: AsyncFn() -> H>(new: F) -> Report {
    let mut report = Report::new("settlement");
    suite!(report, new,
        claims: [
            the_mode_is_constant_and_says_whom_to_trust,
            a_claim_is_proposed_and_becomes_final,
            proposing_again_gives_the_same_id,
            a_claim_never_seen_is_unknown,
            a_claim_without_steps_is_rejected,
            a_claim_whose_last_step_differs_is_rejected,
            a_claim_with_too_many_steps_is_rejected,
            a_false_claim_never_becomes_final,
            the_final_head_moves_forward_only,
            a_mode_without_disputes_rejects_moves,
        ],
    );
    report
}
