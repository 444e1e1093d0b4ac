//! Re-deriving a chain from DA alone, and comparing it with a stored one.

use crate::{
    DaLayers, NodeError,
    derivation::{LEAD, execute, rules},
    layers::{first_block, is_final, last_height},
    snapshot::snapshot_origin,
};
use futures_util::{StreamExt, stream};
use rollwright_core::{
    BlockId, BlockRef, ChainStore, DaHead, DaHeight, DataAvailability, ExecuteOutcome, Execution,
    Header, Heads,
};
use rollwright_derive::{
    Amendment, BatchCodec, DaPlace, Derivable, DeriveError, Deriver, Rules, Step,
};

/// Attempts at a DA layer that fails for a while.
const ATTEMPTS: u32 = 5;

/// What to verify, and how.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// Amendments of the chain configuration, oldest first.
    pub amendments: Vec<Amendment>,
    /// DA blocks fetched at the same time; 0 means 8.
    pub prefetch: usize,
}

/// How far verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// The DA block that was just worked off.
    pub height: DaHeight,
    /// The last one that will be.
    pub last: DaHeight,
    /// Blocks derived so far.
    pub blocks: u64,
    /// Blocks that the reference calls safe.
    pub of: u64,
}

/// What verification found: every derived block equals the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Number of blocks compared, genesis not counted.
    pub blocks: u64,
    /// The last block compared.
    pub head: BlockRef,
    /// The reference's heads.
    pub reference: Heads,
    /// Blocks of the reference above that: not posted yet.
    pub unposted: u64,
    /// Where the reference was filled from a snapshot, its block: of older
    /// blocks the reference keeps at most headers, and those that it does not
    /// keep are compared through the hash of their successor alone.
    pub snapshot: Option<BlockRef>,
    /// The last DA block read.
    pub height: Option<DaHeight>,
}

/// Re-derives the chain of `reference` from DA alone into the empty store of
/// `fresh`, and compares every block hash.
///
/// `progress` is called after each DA block. `Mismatch` names the first block
/// and header field that differ; `NotDerived` a safe block that DA does not
/// lead to; `Config` where `fresh` is not empty or of another chain. Reading
/// of DA is tried again a few times. Dropping the future leaves `fresh`
/// half-filled and nothing else changed.
pub async fn verify<E, D, S>(
    layers: &DaLayers<D>,
    fresh: &E,
    reference: &S,
    options: VerifyOptions,
    mut progress: impl FnMut(VerifyProgress) + Send,
) -> Result<Verified, NodeError>
where
    E: Derivable,
    D: DataAvailability,
    S: ChainStore + Sync,
{
    let genesis = fresh.genesis().await.map_err(NodeError::execution)?;
    let start = fresh.heads().map_err(NodeError::execution)?;
    if start.latest != genesis {
        return Err(NodeError::Config {
            what: "the store to derive into is not empty".into(),
            help: "give an empty directory".into(),
        });
    }
    compare(fresh, reference, genesis)?;
    let snapshot = snapshot_origin(reference)?;
    let rules = rules(fresh, genesis, options.amendments)?;
    let heads = reference.heads().map_err(NodeError::execution)?;
    let mut deriver = Deriver::new(rules.clone(), fresh.codec(), genesis, fresh.genesis_time());
    let prefetch = if options.prefetch == 0 {
        8
    } else {
        options.prefetch
    };
    let mut height = None;
    loop {
        let epoch = deriver.request().epoch;
        let da = layers.of(&rules, epoch)?;
        let head = retried(|| da.head()).await?;
        if !begin_epoch(layers, &rules, &mut deriver, head).await? {
            break;
        }
        if let Some(finalized) = head.finalized {
            deriver.finalize(epoch, finalized);
        }
        let last = last_height(&rules, deriver.state(), epoch, head.observed.height);
        let from = match deriver.poll() {
            Step::DaBlock(request) => request.height(),
            _ => deriver.state().last_da_block().map(|block| block.height),
        };
        let mut told = |deriver: &Deriver<E::Codec>, at: DaHeight| {
            height = Some(at);
            progress(VerifyProgress {
                height: at,
                last,
                blocks: deriver.state().head().block.number,
                of: heads.safe.number,
            });
        };
        let mut first = from.map_or(u64::MAX, |from| from.0);
        if !matches!(deriver.poll(), Step::DaBlock(_)) {
            // The first block of an epoch is in the works.
            work_off(fresh, reference, &heads, snapshot, &mut deriver).await?;
            told(&deriver, DaHeight(first));
            first = first.saturating_add(1);
        }
        let mut blocks = stream::iter(first..=last.0)
            .map(|height| retried(move || da.fetch(DaHeight(height), None)))
            .buffered(prefetch);
        let mut moved = false;
        while let Some(block) = blocks.next().await {
            let block = block?;
            match deriver.feed_block(&block) {
                Ok(()) => {}
                // The head moved to another fork: what was derived is enough.
                Err(DeriveError::Reorganised { .. }) => {
                    moved = true;
                    break;
                }
                Err(error) => return Err(NodeError::derive(error)),
            }
            work_off(fresh, reference, &heads, snapshot, &mut deriver).await?;
            told(&deriver, block.header.height);
        }
        if moved || deriver.request().epoch == epoch {
            break;
        }
    }
    let head = deriver.state().head().block;
    if head.number < heads.safe.number {
        return Err(NodeError::NotDerived { block: heads.safe });
    }
    let verified = BlockRef {
        number: head.number.min(heads.latest.number),
        ..head
    };
    let end = if verified.number == head.number {
        head
    } else {
        heads.latest
    };
    Ok(Verified {
        blocks: end.number,
        head: end,
        reference: heads,
        unposted: heads.latest.number.saturating_sub(end.number),
        snapshot,
        height,
    })
}

/// Hands the deriver the first block of an epoch, where that is next. False
/// where it cannot be read yet.
async fn begin_epoch<C: BatchCodec, D: DataAvailability>(
    layers: &DaLayers<D>,
    rules: &Rules,
    deriver: &mut Deriver<C>,
    head: DaHead,
) -> Result<bool, NodeError> {
    let request = deriver.request();
    let (DaPlace::First { least, after }, Some(last)) =
        (request.place, deriver.state().last_da_block())
    else {
        return Ok(true);
    };
    let before = layers.of(rules, request.epoch.saturating_sub(1))?;
    let ended = retried(|| before.head()).await?;
    if !retried(|| is_final(before, last, ended.finalized)).await? {
        return Ok(false);
    }
    deriver.finalize(request.epoch.saturating_sub(1), last);
    let da = layers.of(rules, request.epoch)?;
    let found = retried(|| first_block(da, least, after, head.observed.height)).await?;
    let Some(first) = found else {
        return Ok(false);
    };
    match deriver.feed_first_block(&first.block, first.below.as_ref()) {
        Ok(()) => Ok(true),
        Err(DeriveError::EpochStart { .. }) => Ok(false),
        Err(error) => Err(NodeError::derive(error)),
    }
}

async fn work_off<E: Derivable, S: ChainStore>(
    fresh: &E,
    reference: &S,
    heads: &Heads,
    snapshot: Option<BlockRef>,
    deriver: &mut Deriver<E::Codec>,
) -> Result<(), NodeError> {
    loop {
        match deriver.poll() {
            Step::DaBlock(_) => return Ok(()),
            Step::Execute(input) => {
                let outcome = execute(fresh, &input).await?;
                deriver.feed_outcome(&outcome).map_err(NodeError::derive)?;
                if let ExecuteOutcome::Valid(executed) = &outcome {
                    lead(fresh, executed.block).await?;
                }
            }
            Step::Commit(step) => {
                for derived in step.blocks() {
                    // What lies above the reference's own safe head may still
                    // be rebuilt there.
                    let number = derived.block.number;
                    if snapshot.is_some_and(|snapshot| number < snapshot.number) {
                        compare_header(fresh, reference, derived.block)?;
                    } else if number <= heads.safe.number {
                        compare(fresh, reference, derived.block)?;
                    }
                }
                let derived = Heads {
                    latest: step.safe,
                    safe: step.safe,
                    finalized: step.finalized,
                };
                fresh
                    .set_heads(&derived, &step.records)
                    .await
                    .map_err(NodeError::execution)?;
                deriver.committed();
            }
        }
    }
}

/// Lets the latest head follow in the middle of a DA block with many blocks:
/// an engine holds few beside the chain.
async fn lead<E: Execution>(fresh: &E, executed: BlockRef) -> Result<(), NodeError> {
    let heads = fresh.heads().map_err(NodeError::execution)?;
    if executed.number.saturating_sub(heads.latest.number) < LEAD as u64 {
        return Ok(());
    }
    let ahead = Heads {
        latest: executed,
        ..heads
    };
    let moved = fresh.set_heads(&ahead, &[]).await;
    moved.map(drop).map_err(NodeError::execution)
}

/// Compares a derived block with the stored one of its number.
fn compare<E: Execution, S: ChainStore>(
    fresh: &E,
    reference: &S,
    derived: BlockRef,
) -> Result<(), NodeError> {
    let number = derived.number;
    let stored = reference
        .block(BlockId::Number(number))
        .map_err(NodeError::execution)?
        .ok_or_else(|| NodeError::Mismatch {
            number,
            field: "block".into(),
            stored: "none".into(),
            derived: derived.hash.to_string(),
        })?;
    if stored.block == derived {
        return sealed_as(reference, derived);
    }
    let ours = fresh
        .header(BlockId::Hash(derived.hash))
        .map_err(NodeError::execution)?;
    let theirs = reference
        .header(BlockId::Number(number))
        .map_err(NodeError::execution)?;
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return Err(mismatch(number, "hash", &stored.block.hash, &derived.hash));
    };
    Err(first_difference(number, &theirs, &ours)
        .unwrap_or_else(|| mismatch(number, "hash", &stored.block.hash, &derived.hash)))
}

/// Compares a derived block from below a snapshot with the stored header, if
/// that is kept. If it is not, the blocks above vouch for it by parent hash.
fn compare_header<E: Execution, S: ChainStore>(
    fresh: &E,
    reference: &S,
    derived: BlockRef,
) -> Result<(), NodeError> {
    let number = derived.number;
    let Some(stored) = reference
        .header(BlockId::Number(number))
        .map_err(NodeError::execution)?
    else {
        return Ok(());
    };
    let hash = stored.hash_slow();
    if hash == derived.hash {
        return Ok(());
    }
    let ours = fresh
        .header(BlockId::Hash(derived.hash))
        .map_err(NodeError::execution)?;
    Err(ours
        .and_then(|ours| first_difference(number, &stored, &ours))
        .unwrap_or_else(|| mismatch(number, "hash", &hash, &derived.hash)))
}

/// The stored header must be the one that its stored hash names.
fn sealed_as<S: ChainStore>(reference: &S, block: BlockRef) -> Result<(), NodeError> {
    let header = reference
        .header(BlockId::Number(block.number))
        .map_err(NodeError::execution)?;
    match header.map(|header| header.hash_slow()) {
        Some(hash) if hash == block.hash => Ok(()),
        Some(hash) => Err(mismatch(
            block.number,
            "hash of the stored header",
            &hash,
            &block.hash,
        )),
        None => Err(mismatch(block.number, "header", &"none", &block.hash)),
    }
}

fn mismatch(
    number: u64,
    field: &str,
    stored: &impl ToString,
    derived: &impl ToString,
) -> NodeError {
    NodeError::Mismatch {
        number,
        field: field.to_owned(),
        stored: stored.to_string(),
        derived: derived.to_string(),
    }
}

/// The first header field in which two headers differ.
fn first_difference(number: u64, stored: &Header, derived: &Header) -> Option<NodeError> {
    macro_rules! fields {
        ($($field:ident),* $(,)? ; $($optional:ident),* $(,)?) => {
            [
                $((
                    stringify!($field),
                    stored.$field.to_string(),
                    derived.$field.to_string(),
                ),)*
                $((
                    stringify!($optional),
                    shown(stored.$optional.as_ref()),
                    shown(derived.$optional.as_ref()),
                ),)*
            ]
        };
    }
    let all = fields![
        parent_hash,
        number,
        timestamp,
        beneficiary,
        gas_limit,
        mix_hash,
        transactions_root,
        gas_used,
        receipts_root,
        logs_bloom,
        state_root,
        extra_data,
        ommers_hash,
        difficulty,
        nonce;
        parent_beacon_block_root,
        base_fee_per_gas,
        withdrawals_root,
        blob_gas_used,
        excess_blob_gas,
        requests_hash,
    ];
    all.into_iter()
        .find(|(_, stored, derived)| stored != derived)
        .map(|(field, stored, derived)| mismatch(number, field, &stored, &derived))
}

fn shown(value: Option<&impl ToString>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}

async fn retried<T, E, F>(mut call: impl FnMut() -> F) -> Result<T, NodeError>
where
    E: rollwright_core::LayerError,
    F: Future<Output = Result<T, E>>,
{
    let mut attempt = 1;
    loop {
        match call().await {
            Ok(value) => return Ok(value),
            Err(error)
                if error.kind() == rollwright_core::ErrorKind::Temporary && attempt < ATTEMPTS =>
            {
                attempt += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => return Err(NodeError::da(error)),
        }
    }
}
