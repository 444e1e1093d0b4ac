mod heads;
mod proofs;
mod submit;
mod world;

#[cfg(test)]
mod tests;

use super::{
    Report, Stop, ensure, ensure_kind, fail,
    report::{Verdict, suite},
};
use crate::{
    Blob, BlobRef, DaBlock, DaHeight, DaLane, DataAvailability, PostingUnit, SubmissionStatus,
};
use alloy_primitives::{Bytes, keccak256};

/// What the suite does to a data-availability layer.
///
/// One harness is one layer with one rollup's address on it, not used by
/// anybody else while the suite runs.
#[allow(async_fn_in_trait, reason = "the suite awaits in place")]
pub trait DaHarness {
    /// The implementation under test.
    type Da: DataAvailability;

    /// Opens the layer as a process does that starts. A further call is a
    /// restart: the former process was killed, only what is durable is left.
    /// Handles from before are dropped first.
    async fn open(&self) -> Self::Da;

    /// Returns once at least this many further blocks stand on the layer.
    async fn advance(&self, blocks: u64);

    /// Replaces the newest `depth` blocks, none of them final, by more others.
    /// What was posted in them may be lost or not. `false` where the layer
    /// cannot reorganise on command.
    async fn reorganise(&self, depth: u64) -> bool {
        let _ = depth;
        false
    }

    /// Makes the layer stop serving an old block, and returns its height;
    /// `None` where it cannot.
    async fn prune(&self) -> Option<DaHeight> {
        None
    }

    /// Most blocks that a unit may need until it is included.
    fn patience(&self) -> u64 {
        32
    }
}

/// Runs the suite of [`DataAvailability`]; `new` makes a fresh layer.
pub async fn da<H: DaHarness, F: AsyncFn() -> H>(new: F) -> Report {
    let mut report = Report::new("data availability");
    suite!(report, new,
        heads: [
            capabilities_are_complete_and_constant,
            head_names_existing_blocks,
            blocks_chain_by_hash_and_their_time_does_not_fall,
            header_says_what_fetch_says,
            a_block_above_the_head_is_not_yet,
            another_hash_at_a_height_is_rejected,
            canonical_is_what_the_chain_holds,
        ],
        submit: [
            a_unit_is_included_and_read_back,
            blobs_of_a_unit_keep_their_order,
            submitting_again_confirms_and_posts_nothing,
            concurrent_submits_of_one_unit_post_it_once,
            a_submit_dropped_midway_is_posted_once_after_restart,
            a_unit_survives_a_restart_before_inclusion,
            equal_bytes_with_another_salt_are_another_unit,
            an_id_with_other_bytes_is_refused,
            an_empty_unit_is_rejected,
            a_blob_too_large_is_rejected,
            the_largest_blob_is_taken,
            a_lane_without_address_is_rejected,
            the_forced_lane_is_read_back,
        ],
        proofs: [
            inclusion_is_proved_for_every_blob,
            a_flipped_byte_breaks_an_inclusion_proof,
            an_inclusion_proof_shows_its_own_claim_alone,
            a_reference_to_nothing_is_not_proved,
            completeness_is_proved_for_full_and_empty_blocks,
            a_flipped_byte_breaks_a_completeness_proof,
            nothing_can_be_left_out_added_or_moved,
            a_third_party_verifies_with_another_handle,
        ],
        world: [
            finality_moves_forward_only,
            a_reorganised_block_is_not_canonical,
            a_unit_in_an_orphaned_block_is_posted_again_once,
            an_orphaned_reference_is_not_proved,
            a_final_block_survives_a_reorganisation,
            a_pruned_block_is_told_from_one_to_come,
        ],
    );
    report
}

/// A unit of `count` blobs whose bytes nobody else posts.
fn unit(seed: &str, count: u8) -> PostingUnit {
    let blobs = (0..count)
        .map(|index| Blob {
            lane: DaLane::Batch,
            data: content(seed, index),
        })
        .collect();
    PostingUnit::new(keccak256(seed), blobs)
}

fn content(seed: &str, index: u8) -> Bytes {
    let mut data = seed.as_bytes().to_vec();
    data.extend_from_slice(keccak256([index]).as_slice());
    data.push(index);
    data.into()
}

/// Submits until the unit is included.
async fn include<H: DaHarness>(
    harness: &H,
    da: &H::Da,
    unit: &PostingUnit,
) -> Result<Vec<BlobRef>, Stop> {
    for _ in 0..=harness.patience() {
        let submission = da.submit(unit).await?;
        ensure(submission.unit == unit.id, "the answer names another unit")?;
        if let SubmissionStatus::Included { blobs } = submission.status {
            ensure(
                blobs.len() == unit.blobs.len(),
                format!("{} references for {} blobs", blobs.len(), unit.blobs.len()),
            )?;
            return Ok(blobs);
        }
        harness.advance(1).await;
    }
    fail(format!(
        "the unit was not included within {} blocks",
        harness.patience()
    ))
}

/// All canonical blocks from `from` to the head.
async fn blocks<D: DataAvailability>(da: &D, from: DaHeight) -> Result<Vec<DaBlock>, Stop> {
    let head = da.head().await?.observed.height;
    let mut blocks = Vec::new();
    for height in from.0..=head.0 {
        blocks.push(da.fetch(DaHeight(height), None).await?);
    }
    Ok(blocks)
}

/// How often `data` stands in the canonical blocks from `from` on.
async fn count<D: DataAvailability>(da: &D, from: DaHeight, data: &Bytes) -> Result<usize, Stop> {
    Ok(blocks(da, from)
        .await?
        .iter()
        .flat_map(|block| &block.blobs)
        .filter(|blob| blob.data == *data)
        .count())
}

/// The block that a reference names.
async fn block_of<D: DataAvailability>(da: &D, blob: &BlobRef) -> Result<DaBlock, Stop> {
    Ok(da.fetch(blob.block.height, Some(blob.block.hash)).await?)
}

/// Copies of `bytes` with one bit changed: one per byte, in long input at
/// 2,048 places spread over it.
fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Bytes)> + '_ {
    let step = bytes.len().div_ceil(2_048).max(1);
    (0..bytes.len()).step_by(step).map(|at| {
        let mut copy = bytes.to_vec();
        if let Some(byte) = copy.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        (at, copy.into())
    })
}
