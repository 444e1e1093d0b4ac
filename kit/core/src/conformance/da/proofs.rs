use super::*;
use crate::{DaClaim, ErrorKind, PostedBlob, Proof};
use alloy_primitives::B256;

/// Posts a unit of several blobs, and returns them as read back.
async fn posted<H: DaHarness>(h: &H, da: &H::Da, seed: &str) -> Result<Vec<PostedBlob>, Stop> {
    let references = include(h, da, &unit(seed, 3)).await?;
    let mut blobs = Vec::new();
    for reference in &references {
        let block = block_of(da, reference).await?;
        match block.blobs.get(reference.index as usize) {
            Some(blob) => blobs.push(blob.clone()),
            None => return fail("the reference points past the block's blobs"),
        }
    }
    Ok(blobs)
}

fn included(blob: &PostedBlob) -> DaClaim {
    DaClaim::Included {
        reference: blob.reference,
        lane: blob.lane,
        data: blob.data.clone(),
    }
}

/// A claim must be refused, with the kind that proofs fail with.
fn refused<D: DataAvailability>(
    da: &D,
    header: &crate::DaHeader,
    claim: &DaClaim,
    proof: &Proof,
    what: &str,
) -> Verdict {
    ensure_kind(da.verify(header, claim, proof), ErrorKind::Rejected, what)
}

pub(super) async fn inclusion_is_proved_for_every_blob<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    for blob in posted(h, &da, "inclusion").await? {
        let block = block_of(&da, &blob.reference).await?;
        let proof = da.prove(&blob.reference).await?;
        da.verify(&block.header, &included(&blob), &proof)?;
    }
    Ok(())
}

pub(super) async fn a_flipped_byte_breaks_an_inclusion_proof<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let blobs = posted(h, &da, "flip inclusion").await?;
    let Some(blob) = blobs.get(1) else {
        return fail("too few blobs");
    };
    let header = block_of(&da, &blob.reference).await?.header;
    let proof = da.prove(&blob.reference).await?;
    ensure(!proof.bytes.is_empty(), "the proof is empty")?;
    for (at, bytes) in flips(&proof.bytes) {
        let flipped = Proof {
            version: proof.version,
            bytes,
        };
        refused(
            &da,
            &header,
            &included(blob),
            &flipped,
            &format!("byte {at} of {} flipped", proof.bytes.len()),
        )?;
    }
    for bytes in [
        Bytes::new(),
        proof.bytes.slice(..proof.bytes.len() - 1),
        [&proof.bytes[..], &[0]].concat().into(),
    ] {
        let other = Proof {
            version: proof.version,
            bytes,
        };
        refused(&da, &header, &included(blob), &other, "another length")?;
    }
    let other = Proof {
        version: proof.version.wrapping_add(1),
        ..proof
    };
    refused(&da, &header, &included(blob), &other, "another version")
}

pub(super) async fn an_inclusion_proof_shows_its_own_claim_alone<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let blobs = posted(h, &da, "own claim").await?;
    let [blob, other, ..] = &blobs[..] else {
        return fail("too few blobs");
    };
    let header = block_of(&da, &blob.reference).await?.header;
    let proof = da.prove(&blob.reference).await?;
    let claim = |change: &dyn Fn(&mut PostedBlob)| {
        let mut changed = blob.clone();
        change(&mut changed);
        included(&changed)
    };
    for (what, forged) in [
        ("another blob", included(other)),
        ("other bytes", claim(&|blob| blob.data = other.data.clone())),
        (
            "another commitment",
            claim(&|blob| blob.reference.commitment = B256::repeat_byte(3)),
        ),
        (
            "another index",
            claim(&|blob| blob.reference.index = blob.reference.index.wrapping_add(1)),
        ),
        (
            "an index out of range",
            claim(&|blob| blob.reference.index = u32::MAX),
        ),
        (
            "another block",
            claim(&|blob| blob.reference.block.hash = B256::repeat_byte(4)),
        ),
    ] {
        refused(&da, &header, &forged, &proof, what)?;
    }
    let mut elsewhere = header;
    elsewhere.data_root = B256::repeat_byte(5);
    refused(
        &da,
        &elsewhere,
        &included(blob),
        &proof,
        "another data root",
    )
}

pub(super) async fn a_reference_to_nothing_is_not_proved<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let blobs = posted(h, &da, "nothing").await?;
    let Some(blob) = blobs.first() else {
        return fail("too few blobs");
    };
    let mut far = blob.reference;
    far.index = u32::MAX;
    ensure_kind(da.prove(&far).await, ErrorKind::Rejected, "index")?;
    let mut other = blob.reference;
    other.commitment = B256::repeat_byte(9);
    ensure_kind(da.prove(&other).await, ErrorKind::Rejected, "commitment")?;
    let mut fork = blob.reference;
    fork.block.hash = B256::repeat_byte(9);
    ensure_kind(da.prove(&fork).await, ErrorKind::Rejected, "block hash")
}

fn complete(blobs: Vec<PostedBlob>) -> DaClaim {
    DaClaim::Complete { blobs }
}

pub(super) async fn completeness_is_proved_for_full_and_empty_blocks<H: DaHarness>(
    h: &H,
) -> Verdict {
    let da = h.open().await;
    let start = da.head().await?.observed.height;
    posted(h, &da, "complete").await?;
    h.advance(1).await;
    let blocks = blocks(&da, start).await?;
    ensure(
        blocks.iter().any(|block| block.blobs.is_empty()),
        "no block is empty",
    )?;
    for block in blocks {
        let claim = complete(block.blobs.clone());
        da.verify(&block.header, &claim, &block.completeness)?;
    }
    Ok(())
}

/// A block that holds blobs of ours, and one that holds none.
async fn full_and_empty<H: DaHarness>(
    h: &H,
    da: &H::Da,
    seed: &str,
) -> Result<(DaBlock, DaBlock), Stop> {
    let blobs = posted(h, da, seed).await?;
    let Some(blob) = blobs.first() else {
        return fail("too few blobs");
    };
    let full = block_of(da, &blob.reference).await?;
    h.advance(2).await;
    let empty = da.fetch(da.head().await?.observed.height, None).await?;
    ensure(empty.blobs.is_empty(), "the newest block is not empty")?;
    Ok((full, empty))
}

pub(super) async fn a_flipped_byte_breaks_a_completeness_proof<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let (full, empty) = full_and_empty(h, &da, "flip completeness").await?;
    for block in [&full, &empty] {
        let claim = complete(block.blobs.clone());
        for (at, bytes) in flips(&block.completeness.bytes) {
            let flipped = Proof {
                version: block.completeness.version,
                bytes,
            };
            let what = format!("byte {at} of {}", block.completeness.bytes.len());
            refused(&da, &block.header, &claim, &flipped, &what)?;
        }
    }
    Ok(())
}

pub(super) async fn nothing_can_be_left_out_added_or_moved<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let (full, empty) = full_and_empty(h, &da, "hidden").await?;
    let Some(blob) = full.blobs.first().cloned() else {
        return fail("too few blobs");
    };
    let mut forgeries = vec![("all left out", Vec::new())];
    let mut last_out = full.blobs.clone();
    last_out.pop();
    forgeries.push(("the last one left out", last_out));
    forgeries.push(("the first one left out", full.blobs[1..].to_vec()));
    let mut added = full.blobs.clone();
    let mut extra = blob.clone();
    extra.reference.index = full.blobs.len() as u32;
    added.push(extra);
    forgeries.push(("one added", added));
    if full.blobs.len() > 1 {
        let mut moved = full.blobs.clone();
        moved.swap(0, 1);
        forgeries.push(("two moved", moved.clone()));
        for (blob, index) in moved.iter_mut().zip(0u32..) {
            blob.reference.index = index;
        }
        forgeries.push(("two moved and renumbered", moved));
    }
    let mut changed = full.blobs.clone();
    if let Some(first) = changed.first_mut() {
        first.data = content("other", 0);
    }
    forgeries.push(("other bytes", changed));
    for (what, blobs) in forgeries {
        refused(
            &da,
            &full.header,
            &complete(blobs),
            &full.completeness,
            what,
        )?;
    }
    let mut invented = blob;
    invented.reference.block = empty.header.id();
    invented.reference.index = 0;
    refused(
        &da,
        &empty.header,
        &complete(vec![invented]),
        &empty.completeness,
        "a blob in an empty block",
    )
}

pub(super) async fn a_third_party_verifies_with_another_handle<H: DaHarness>(h: &H) -> Verdict {
    let da = h.open().await;
    let blobs = posted(h, &da, "third party").await?;
    let Some(blob) = blobs.first() else {
        return fail("too few blobs");
    };
    let block = block_of(&da, &blob.reference).await?;
    let proof = da.prove(&blob.reference).await?;
    drop(da);
    let other = h.open().await;
    other.verify(&block.header, &included(blob), &proof)?;
    other.verify(
        &block.header,
        &complete(block.blobs.clone()),
        &block.completeness,
    )?;
    Ok(())
}
