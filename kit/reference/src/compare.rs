//! Both derivers' reports in one form, and the first place where they differ.

use crate::{AppliedBatch, DaStep, Derivation, Driven, Event};
use alloy_primitives::B256;
use rollwright_core::{BlockInput, BlockRef};
use rollwright_derive::{DeriveEvent, DerivedFrom};
use std::fmt;

/// What either deriver tells of one DA block, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Told {
    /// A block was derived: number and hash, origin, batch.
    Block(BlockRef, u64, Option<u64>),
    /// A batch's number was consumed.
    Batch(Box<AppliedBatch>),
    /// The sequencer lapsed.
    Lapsed,
    /// The sequencer returned.
    Returned,
    /// Rules discarded so many batches.
    Discarded(usize),
    /// A drop: code, blob, batch.
    Dropped(&'static str, Option<u32>, Option<(u64, B256)>),
    /// So many further drops.
    Untraced(u64),
    /// An event that this page does not know.
    Unknown(String),
}

/// What the reference tells of a DA block.
pub fn told(step: &DaStep) -> Vec<Told> {
    let tell = |event: &Event| match event {
        Event::Block {
            block,
            origin,
            batch,
        } => Told::Block(*block, *origin, *batch),
        Event::Batch(batch) => Told::Batch(Box::new(batch.clone())),
        Event::Lapsed => Told::Lapsed,
        Event::Returned => Told::Returned,
        Event::Discarded(batches) => Told::Discarded(*batches),
        Event::Dropped(dropped) => Told::Dropped(
            dropped.reason.code().unwrap_or("untraced"),
            dropped.blob,
            dropped.batch,
        ),
        Event::Untraced(count) => Told::Untraced(*count),
    };
    step.events.iter().map(tell).collect()
}

/// What the deriver of the nodes tells of a DA block.
pub fn told_of(step: &rollwright_derive::DaStep) -> Vec<Told> {
    let tell = |event: &DeriveEvent| match event {
        DeriveEvent::Block(block) => {
            let batch = match block.from {
                DerivedFrom::Batch(number) => Some(number),
                DerivedFrom::Lapse => None,
            };
            Told::Block(block.block, block.origin.0, batch)
        }
        DeriveEvent::Batch(batch) => Told::Batch(Box::new(AppliedBatch {
            number: batch.number,
            id: batch.id,
            signer: batch.signer,
            term: batch.term,
            first_block: batch.first_block,
            blocks: batch.blocks,
            bytes: batch.bytes,
            blobs: batch.blobs.clone(),
            ended: batch.ended.clone(),
        })),
        DeriveEvent::Lapsed => Told::Lapsed,
        DeriveEvent::Returned => Told::Returned,
        DeriveEvent::Discarded { batches } => Told::Discarded(*batches),
        DeriveEvent::Dropped(dropped) => {
            Told::Dropped(dropped.reason.code(), dropped.blob, dropped.batch)
        }
        DeriveEvent::Untraced(count) => Told::Untraced(*count),
        other => Told::Unknown(format!("{other:?}")),
    };
    step.events.iter().map(tell).collect()
}

/// The first place where two derivations of one history differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Ordinal of the DA block.
    pub ordinal: u64,
    /// What differs, and how.
    pub what: What,
}

/// What differs; the reference's first, the deriver's second.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// One of them read fewer DA blocks.
    Length(usize, usize),
    /// The event at that position.
    Event(usize, Option<Told>, Option<Told>),
    /// The block input at that position.
    Input(usize, Option<Box<BlockInput>>, Option<Box<BlockInput>>),
    /// The derived head.
    Head(BlockRef, BlockRef),
    /// The final head.
    Finalized(BlockRef, BlockRef),
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DA block {}: ", self.ordinal)?;
        match &self.what {
            What::Length(ours, theirs) => {
                write!(
                    f,
                    "the reference read {ours} DA blocks, the deriver {theirs}"
                )
            }
            What::Event(at, ours, theirs) => write!(
                f,
                "event {at}\n  reference: {ours:?}\n  deriver:   {theirs:?}"
            ),
            What::Input(at, ours, theirs) => write!(
                f,
                "block input {at}\n  reference: {ours:?}\n  deriver:   {theirs:?}"
            ),
            What::Head(ours, theirs) => {
                write!(f, "head\n  reference: {ours:?}\n  deriver:   {theirs:?}")
            }
            What::Finalized(ours, theirs) => write!(
                f,
                "final head\n  reference: {ours:?}\n  deriver:   {theirs:?}"
            ),
        }
    }
}

/// Compares block for block and trace for trace; `None` where all is equal.
///
/// `finalized` is the deriver's final head, where the caller told it what is
/// final of the history.
pub fn compare(
    reference: &Derivation,
    driven: &[Driven],
    finalized: Option<BlockRef>,
) -> Option<Difference> {
    let pairs = reference.steps.iter().zip(driven);
    for ((ours, theirs), ordinal) in pairs.zip(0u64..) {
        if let Some(what) = compare_step(ours, theirs) {
            return Some(Difference { ordinal, what });
        }
    }
    let (ours, theirs) = (reference.steps.len(), driven.len());
    let ordinal = ours.min(theirs) as u64;
    let what = if ours != theirs {
        What::Length(ours, theirs)
    } else {
        let theirs = finalized.filter(|head| *head != reference.finalized)?;
        What::Finalized(reference.finalized, theirs)
    };
    Some(Difference { ordinal, what })
}

fn compare_step(ours: &DaStep, theirs: &Driven) -> Option<What> {
    let input = |input: BlockInput| Some(Box::new(input));
    if let Some((at, our, their)) = first_difference(&ours.inputs, &theirs.inputs) {
        return Some(What::Input(at, our.and_then(input), their.and_then(input)));
    }
    if let Some((at, our, their)) = first_difference(&told(ours), &told_of(&theirs.step)) {
        return Some(What::Event(at, our, their));
    }
    (ours.head != theirs.step.safe).then(|| What::Head(ours.head, theirs.step.safe))
}

fn first_difference<T: Clone + PartialEq>(
    ours: &[T],
    theirs: &[T],
) -> Option<(usize, Option<T>, Option<T>)> {
    (0..ours.len().max(theirs.len()))
        .map(|at| (at, ours.get(at).cloned(), theirs.get(at).cloned()))
        .find(|(_, ours, theirs)| ours != theirs)
}
