use super::*;
use crate::{DaBlockId, ErrorKind};
use alloy_primitives::B256;

pub(super) async fn capabilities_are_complete_and_constant<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let caps = da.caps();
    ensure(!caps.layer.is_empty(), "the layer has no name")?;
    ensure(!caps.network.is_empty(), "the network has no name")?;
    ensure(
        caps.lanes.contains(&DaLane::Batch),
        "there is no batch lane",
    )?;
    ensure(
        caps.lanes.is_sorted_by(|a, b| a < b),
        "lanes are not strictly ascending",
    )?;
    ensure(caps.max_blob_bytes > 0, "no blob can be posted")?;
    ensure(
        caps.max_unit_bytes >= caps.max_blob_bytes,
        "a unit is smaller than a blob",
    )?;
    h.advance(1).await;
    ensure(da.caps() == caps, "capabilities changed")?;
    ensure(
        h.open().await.caps() == caps,
        "capabilities changed with a restart",
    )
}

pub(super) async fn head_names_existing_blocks<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(3).await;
    let head = da.head().await?;
    for block in [Some(head.observed), head.finalized].into_iter().flatten() {
        let fetched = da.fetch(block.height, Some(block.hash)).await?;
        ensure(
            fetched.header.id() == block,
            "the block fetched is not the one asked for",
        )?;
    }
    ensure(
        head.finalized
            .is_none_or(|block| block.height <= head.observed.height),
        "finality lies above the head",
    )
}

pub(super) async fn blocks_chain_by_hash_and_their_time_does_not_fall<H: DaHarness>(
    h: &H,
) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    h.advance(4).await;
    let blocks = blocks(&da, start).await?;
    ensure(
        blocks.len() >= 5,
        "the layer did not advance by four blocks",
    )?;
    for pair in blocks.windows(2) {
        let [parent, child] = pair else { continue };
        let (parent, child) = (parent.header, child.header);
        ensure(
            child.parent_hash == parent.hash && Some(child.height) == parent.height.next(),
            format!("block {} does not follow its parent", child.height),
        )?;
        ensure(
            child.time >= parent.time,
            format!("time falls at block {}", child.height),
        )?;
    }
    Ok(())
}

pub(super) async fn header_says_what_fetch_says<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(2).await;
    let head = da.head().await?.observed;
    let header = da.header(head.height).await?;
    let block = da.fetch(head.height, Some(header.hash)).await?;
    ensure(
        header == block.header,
        "the header differs from the block's",
    )
}

pub(super) async fn a_block_above_the_head_is_not_yet<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let head = da.head().await?.observed.height;
    let above = DaHeight(head.0 + 1_000_000);
    ensure_kind(da.fetch(above, None).await, ErrorKind::NotYet, "fetch")?;
    ensure_kind(
        da.fetch(above, Some(keccak256("none"))).await,
        ErrorKind::NotYet,
        "fetch with a hash",
    )?;
    ensure_kind(da.header(above).await, ErrorKind::NotYet, "header")?;
    ensure_kind(
        da.fetch(DaHeight(u64::MAX), None).await,
        ErrorKind::NotYet,
        "fetch at the end of the number range",
    )
}

pub(super) async fn another_hash_at_a_height_is_rejected<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(1).await;
    let head = da.head().await?.observed;
    let other = keccak256(head.hash);
    ensure_kind(
        da.fetch(head.height, Some(other)).await,
        ErrorKind::Rejected,
        "fetch",
    )
}

pub(super) async fn canonical_is_what_the_chain_holds<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    h.advance(1).await;
    let head = da.head().await?.observed;
    ensure(da.is_canonical(head).await?, "the head is not canonical")?;
    let other = DaBlockId {
        hash: B256::repeat_byte(7),
        ..head
    };
    ensure(
        !da.is_canonical(other).await?,
        "an invented block is canonical",
    )?;
    let above = DaBlockId {
        height: DaHeight(head.height.0 + 1_000_000),
        ..head
    };
    ensure(
        !da.is_canonical(above).await?,
        "a block above the head is canonical",
    )
}
