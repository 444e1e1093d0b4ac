use super::*;
use crate::{ErrorKind, LayerError as _, Submission};
use futures_util::{FutureExt as _, future::join};

pub(super) async fn a_unit_is_included_and_read_back<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let unit = unit("read back", 1);
    let references = include(h, &da, &unit).await?;
    for (reference, blob) in references.iter().zip(&unit.blobs) {
        let block = block_of(&da, reference).await?;
        let Some(posted) = block.blobs.get(reference.index as usize) else {
            return fail("the reference points past the block's blobs");
        };
        ensure(posted.reference == *reference, "the references differ")?;
        ensure(posted.data == blob.data, "the bytes differ")?;
    }
    Ok(())
}

pub(super) async fn blobs_of_a_unit_keep_their_order<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let unit = unit("order", 5);
    let references = include(h, &da, &unit).await?;
    let places: Vec<_> = references
        .iter()
        .map(|place| (place.block.height, place.index))
        .collect();
    ensure(
        places.is_sorted_by(|a, b| a < b),
        format!("the unit's blobs stand at {places:?}"),
    )?;
    let found: Vec<Bytes> = blocks(&da, start)
        .await?
        .into_iter()
        .flat_map(|block| block.blobs)
        .map(|blob| blob.data)
        .filter(|data| unit.blobs.iter().any(|blob| blob.data == *data))
        .collect();
    let wanted: Vec<Bytes> = unit.blobs.iter().map(|blob| blob.data.clone()).collect();
    ensure(found == wanted, "the blobs were read back in another order")
}

pub(super) async fn submitting_again_confirms_and_posts_nothing<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let unit = unit("again", 2);
    da.submit(&unit).await?;
    da.submit(&unit).await?;
    let first = include(h, &da, &unit).await?;
    h.advance(2).await;
    let again = include(h, &da, &unit).await?;
    ensure(first == again, "the unit moved without a reorganisation")?;
    h.advance(2).await;
    posted_once(&da, start, &unit).await
}

pub(super) async fn concurrent_submits_of_one_unit_post_it_once<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let clone = da.clone();
    let start = da.head().await?.observed.height;
    let unit = unit("concurrent", 1);
    let (a, b) = join(da.submit(&unit), clone.submit(&unit)).await;
    for result in [a, b] {
        if let Err(error) = result {
            ensure(
                error.kind() == ErrorKind::Temporary,
                format!("one of two submits failed for good: {error}"),
            )?;
        }
    }
    include(h, &da, &unit).await?;
    h.advance(2).await;
    posted_once(&da, start, &unit).await
}

pub(super) async fn a_submit_dropped_midway_is_posted_once_after_restart<H: DaHarness>(
    h: &H,
) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let unit = unit("dropped", 2);
    // Polled once and dropped: whether it was taken is open.
    let _: Option<Result<Submission, _>> = da.submit(&unit).now_or_never();
    drop(da);
    let da = h.open().await;
    include(h, &da, &unit).await?;
    h.advance(2).await;
    posted_once(&da, start, &unit).await
}

pub(super) async fn a_unit_survives_a_restart_before_inclusion<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let unit = unit("restart", 2);
    da.submit(&unit).await?;
    drop(da);
    let da = h.open().await;
    let first = include(h, &da, &unit).await?;
    drop(da);
    let da = h.open().await;
    let again = include(h, &da, &unit).await?;
    ensure(first == again, "the unit moved with a restart")?;
    h.advance(2).await;
    posted_once(&da, start, &unit).await
}

pub(super) async fn equal_bytes_with_another_salt_are_another_unit<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let first = unit("salted", 1);
    let second = PostingUnit::new(keccak256("another salt"), first.blobs.clone());
    let a = include(h, &da, &first).await?;
    let b = include(h, &da, &second).await?;
    ensure(a != b, "two units share a place")?;
    let found = count(&da, start, &content("salted", 0)).await?;
    ensure(found == 2, format!("posted {found} times instead of twice"))
}

pub(super) async fn an_id_with_other_bytes_is_refused<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    let first = unit("mismatch", 1);
    include(h, &da, &first).await?;
    let mut forged = unit("mismatch forged", 1);
    forged.id = first.id;
    ensure_kind(da.submit(&forged).await, ErrorKind::Rejected, "submit")?;
    h.advance(2).await;
    let found = count(&da, start, &content("mismatch forged", 0)).await?;
    ensure(found == 0, "the forged bytes were posted")
}

pub(super) async fn an_empty_unit_is_rejected<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let empty = PostingUnit::new(keccak256("empty"), Vec::new());
    ensure_kind(da.submit(&empty).await, ErrorKind::Rejected, "submit")
}

/// Above this a check would only measure memory.
const LARGE: u64 = 32 << 20;

pub(super) async fn a_blob_too_large_is_rejected<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let max = da.caps().max_blob_bytes;
    if max > LARGE {
        return Err(Stop::Skip(format!("blobs of up to {max} bytes are taken")));
    }
    let unit = sized("too large", max + 1);
    ensure_kind(da.submit(&unit).await, ErrorKind::Rejected, "submit")
}

pub(super) async fn the_largest_blob_is_taken<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let max = da.caps().max_blob_bytes;
    if max > LARGE {
        return Err(Stop::Skip(format!("blobs of up to {max} bytes are taken")));
    }
    let unit = sized("largest", max);
    let references = include(h, &da, &unit).await?;
    for reference in &references {
        let block = block_of(&da, reference).await?;
        let data = block
            .blobs
            .get(reference.index as usize)
            .map(|blob| &blob.data);
        ensure(
            data == unit.blobs.first().map(|blob| &blob.data),
            "the bytes differ",
        )?;
    }
    Ok(())
}

fn sized(seed: &str, bytes: u64) -> PostingUnit {
    let data: Bytes = content(seed, 0)
        .iter()
        .copied()
        .cycle()
        .take(bytes as usize)
        .collect::<Vec<u8>>()
        .into();
    PostingUnit::new(
        keccak256(seed),
        vec![Blob {
            lane: DaLane::Batch,
            data,
        }],
    )
}

fn forced(seed: &str) -> PostingUnit {
    let blob = Blob {
        lane: DaLane::Forced,
        data: content(seed, 0),
    };
    PostingUnit::new(keccak256(seed), vec![blob])
}

pub(super) async fn a_lane_without_address_is_rejected<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    if da.caps().lanes.contains(&DaLane::Forced) {
        return Err(Stop::Skip("every lane has an address here".into()));
    }
    ensure_kind(
        da.submit(&forced("no lane")).await,
        ErrorKind::Rejected,
        "submit",
    )
}

pub(super) async fn the_forced_lane_is_read_back<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    if !da.caps().lanes.contains(&DaLane::Forced) {
        return Err(Stop::Skip("there is no forced lane here".into()));
    }
    let start = da.head().await?.observed.height;
    let unit = forced("forced");
    include(h, &da, &unit).await?;
    posted_once(&da, start, &unit).await
}

async fn posted_once<D: DataAvailability>(da: &D, start: DaHeight, unit: &PostingUnit) -> Verdict {
    for blob in &unit.blobs {
        let found = count(da, start, &blob.data).await?;
        ensure(found == 1, format!("a blob was posted {found} times"))?;
    }
    Ok(())
}
