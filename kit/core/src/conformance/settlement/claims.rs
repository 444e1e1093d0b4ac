use super::*;
use crate::{ErrorKind, GameId, ModeKind, Move};

pub(super) async fn the_mode_is_constant_and_says_whom_to_trust<H: SettlementHarness>(
    h: &H,
) -> Verdict {
    let layer = h.open().await;
    let mode = layer.mode();
    ensure(!mode.trust.is_empty(), "the trust statement is empty")?;
    h.claim(0).await;
    ensure(layer.mode() == mode, "the mode changed")?;
    ensure(h.open().await.mode() == mode, "a restart changed the mode")
}

pub(super) async fn a_claim_is_proposed_and_becomes_final<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    let claim = h.claim(0).await;
    let id = layer.propose(&claim).await?;
    ensure(id == claim.id(), "the id is not the claim's")?;
    ensure(
        layer.head().await?.proposed.as_ref() == Some(&claim.last),
        "the head does not tell the proposal",
    )?;
    let status = layer.status(&id).await?;
    ensure(
        matches!(status, ClaimStatus::Pending { .. } | ClaimStatus::Final),
        format!("a true claim is {status:?}"),
    )?;
    h.finalise(0).await;
    let status = layer.status(&id).await?;
    ensure(
        status == ClaimStatus::Final,
        format!("a final claim is {status:?}"),
    )?;
    ensure(
        layer.head().await?.finalized.as_ref() == Some(&claim.last),
        "the head does not tell the final claim",
    )
}

pub(super) async fn proposing_again_gives_the_same_id<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    let claim = h.claim(0).await;
    let first = layer.propose(&claim).await?;
    let again = layer.propose(&claim).await?;
    ensure(first == again, "the second proposal has another id")?;
    drop(layer);
    let layer = h.open().await;
    let third = layer.propose(&claim).await?;
    ensure(third == first, "a restart changed the id")
}

pub(super) async fn a_claim_never_seen_is_unknown<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    let claim = h.claim(0).await;
    ensure(
        layer.status(&claim.id()).await? == ClaimStatus::Unknown,
        "a claim that nobody proposed is known",
    )
}

async fn malformed<H: SettlementHarness>(h: &H, change: impl Fn(&mut Claim)) -> Verdict {
    let layer = h.open().await;
    let mut claim = h.claim(0).await;
    change(&mut claim);
    ensure_kind(layer.propose(&claim).await, ErrorKind::Rejected, "propose")?;
    ensure(
        layer.status(&claim.id()).await? == ClaimStatus::Unknown,
        "a malformed claim is known",
    )
}

pub(super) async fn a_claim_without_steps_is_rejected<H: SettlementHarness>(h: &H) -> Verdict {
    malformed(h, |claim| claim.steps.clear()).await
}

pub(super) async fn a_claim_whose_last_step_differs_is_rejected<H: SettlementHarness>(
    h: &H,
) -> Verdict {
    malformed(h, |claim| {
        claim.steps.push(crate::keccak256("another commitment"));
    })
    .await
}

pub(super) async fn a_claim_with_too_many_steps_is_rejected<H: SettlementHarness>(
    h: &H,
) -> Verdict {
    malformed(h, |claim| {
        claim.steps = vec![claim.last.hash(); Claim::MAX_STEPS + 1];
    })
    .await
}

pub(super) async fn a_false_claim_never_becomes_final<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    h.claim(0).await;
    let lie = h.false_claim(0).await;
    match layer.propose(&lie).await {
        Ok(_) => {}
        Err(error) => ensure_kind::<(), _>(Err(error), ErrorKind::Rejected, "propose")?,
    }
    h.finalise(0).await;
    let status = layer.status(&lie.id()).await?;
    ensure(status != ClaimStatus::Final, "a false claim became final")
}

pub(super) async fn the_final_head_moves_forward_only<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    let mut last = 0;
    for n in 0..3 {
        let claim = h.claim(n).await;
        layer.propose(&claim).await?;
        h.finalise(n).await;
        let number = layer.head().await?.finalized.map_or(0, |head| head.number);
        ensure(number >= last, "finality moved back")?;
        ensure(
            number == claim.last.number,
            "the newest final claim is another",
        )?;
        last = number;
    }
    Ok(())
}

pub(super) async fn a_mode_without_disputes_rejects_moves<H: SettlementHarness>(h: &H) -> Verdict {
    let layer = h.open().await;
    if !matches!(layer.mode().kind, ModeKind::Sovereign | ModeKind::Native) {
        return Err(Stop::Skip("the mode has disputes".into()));
    }
    let claim = h.claim(0).await;
    let id = layer.propose(&claim).await?;
    let game = GameId::default();
    for step in [Move::Challenge { step: 0 }, Move::Timeout { game }] {
        ensure_kind(
            layer.dispute(&id, step).await,
            ErrorKind::Rejected,
            "dispute",
        )?;
    }
    ensure(
        layer.games(&id).await?.is_empty(),
        "a mode without disputes has games",
    )
}
