use super::*;
use crate::ErrorKind;

/// Asks the harness to reorganise, or skips.
async fn reorganise<H: DaHarness>(h: &H, depth: u64) -> Verdict {
    if h.reorganise(depth).await {
        Ok(())
    } else {
        Err(Stop::Skip(
            "the layer does not reorganise on command".into(),
        ))
    }
}

pub(super) async fn finality_moves_forward_only<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let mut last = da.head().await?.finalized;
    for _ in 0..8 {
        h.advance(1).await;
        let now = da.head().await?.finalized;
        let back = match (last, now) {
            (Some(last), Some(now)) => now.height < last.height,
            (Some(_), None) => true,
            (None, _) => false,
        };
        ensure(!back, "finality moved back")?;
        if let Some(last) = last {
            ensure(
                da.is_canonical(last).await?,
                "a final block is not canonical",
            )?;
        }
        last = now;
    }
    Ok(())
}

pub(super) async fn a_reorganised_block_is_not_canonical<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(3).await;
    let old = da.head().await?.observed;
    reorganise(h, 1).await?;
    let new = da.head().await?.observed;
    ensure(new != old, "the head did not change")?;
    ensure(!da.is_canonical(old).await?, "the orphan is canonical")?;
    ensure_kind(
        da.fetch(old.height, Some(old.hash)).await,
        ErrorKind::Rejected,
        "fetch of the orphan",
    )?;
    let replacement = da.fetch(old.height, None).await?;
    let parent = da.fetch(DaHeight(old.height.0 - 1), None).await?;
    ensure(
        replacement.header.parent_hash == parent.header.hash,
        "the new chain does not join the old one",
    )
}

pub(super) async fn a_unit_in_an_orphaned_block_is_posted_again_once<H: DaHarness>(
    h: &H,
) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    h.advance(3).await;
    let unit = unit("orphaned", 2);
    include(h, &da, &unit).await?;
    reorganise(h, 1).await?;
    for _ in 0..3 {
        include(h, &da, &unit).await?;
        h.advance(1).await;
    }
    let references = include(h, &da, &unit).await?;
    for (reference, blob) in references.iter().zip(&unit.blobs) {
        ensure(
            da.is_canonical(reference.block).await?,
            "the answer names an orphaned block",
        )?;
        let found = count(&da, start, &blob.data).await?;
        ensure(found == 1, format!("a blob was posted {found} times"))?;
    }
    Ok(())
}

pub(super) async fn an_orphaned_reference_is_not_proved<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(3).await;
    let references = include(h, &da, &unit("unproved", 1)).await?;
    let Some(reference) = references.first() else {
        return fail("no reference");
    };
    da.prove(reference).await?;
    reorganise(h, 1).await?;
    if da.is_canonical(reference.block).await? {
        return fail("the newest block was not replaced");
    }
    ensure_kind(da.prove(reference).await, ErrorKind::Rejected, "prove")
}

pub(super) async fn a_final_block_survives_a_reorganisation<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    for _ in 0..h.patience() {
        if da.head().await?.finalized.is_some() {
            break;
        }
        h.advance(1).await;
    }
    h.advance(2).await;
    let Some(before) = da.head().await?.finalized else {
        return fail("nothing ever becomes final");
    };
    let head = da.head().await?.observed;
    let depth = head.height.0.saturating_sub(before.height.0);
    if depth == 0 {
        return Err(Stop::Skip("every block is final at once".into()));
    }
    reorganise(h, depth).await?;
    ensure(da.is_canonical(before).await?, "a final block was undone")?;
    let after = da.head().await?.finalized;
    ensure(
        after.is_some_and(|after| after.height >= before.height),
        "finality moved back",
    )
}

pub(super) async fn a_pruned_block_is_told_from_one_to_come<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(4).await;
    let Some(pruned) = h.prune().await else {
        return Err(Stop::Skip("the layer does not prune on command".into()));
    };
    ensure_kind(da.fetch(pruned, None).await, ErrorKind::Pruned, "fetch")?;
    ensure_kind(da.header(pruned).await, ErrorKind::Pruned, "header")?;
    let head = da.head().await?.observed;
    da.fetch(head.height, Some(head.hash)).await?;
    Ok(())
}
