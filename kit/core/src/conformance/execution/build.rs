use super::*;
use crate::{ChainStore as _, ErrorKind};

pub(super) async fn a_block_without_transactions_is_built<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    if !chain.engine.caps().empty_blocks {
        return Err(Stop::Skip("the engine makes no empty blocks".into()));
    }
    let built = chain.build(&chain.genesis, 0, 0).await?;
    ensure(built.executed.block.number == 1, "it is not block 1")?;
    ensure(built.input.transactions.is_empty(), "it has transactions")?;
    ensure(built.executed.transactions == 0, "it counts transactions")
}

pub(super) async fn the_header_says_what_the_attributes_say<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let wanted = chain.attributes(&chain.genesis)?;
    let built = chain.build(&chain.genesis, 0, 1).await?;
    let header = &built.executed.header;
    for (holds, what) in [
        (header.number == 1, "number"),
        (header.parent_hash == chain.genesis.hash, "parent hash"),
        (header.timestamp == wanted.timestamp, "timestamp"),
        (header.beneficiary == wanted.fee_recipient, "fee recipient"),
        (header.gas_limit == wanted.gas_limit, "gas limit"),
        (
            header.parent_beacon_block_root == Some(wanted.anchor.hash()),
            "parent beacon block root",
        ),
        (
            header.mix_hash == wanted.anchor.prev_randao(1),
            "prev_randao",
        ),
        (header.extra_data.is_empty(), "extra data"),
        (header.gas_used <= header.gas_limit, "gas used"),
        (
            header.hash_slow() == built.executed.block.hash,
            "hash of the block",
        ),
        (
            built.executed.pre_root == chain.header(&chain.genesis)?.state_root,
            "parent's state root",
        ),
        (
            built.executed.input_hash == built.input.hash(),
            "hash of the input",
        ),
    ] {
        ensure(holds, format!("the {what} is another"))?;
    }
    Ok(())
}

pub(super) async fn candidates_are_included_in_order<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let offered: Vec<Bytes> = (0..3).map(|n| h.transaction(n)).collect();
    let mut pool = Pool::new(offered.clone());
    let attributes = chain.attributes(&chain.genesis)?;
    let built = chain
        .engine
        .build(&chain.genesis, attributes, &mut pool)
        .await?;
    ensure(
        built.input.transactions == offered,
        "the block holds other transactions",
    )?;
    ensure(built.executed.transactions == 3, "the count is another")?;
    let included = offered
        .into_iter()
        .map(|bytes| (bytes, CandidateOutcome::Included));
    ensure(
        pool.reports.iter().cloned().eq(included),
        format!("the reports are {:?}", pool.reports),
    )
}

/// `bad` is reported and not in the block; a good one after it is.
async fn left_out<H: ExecutionHarness>(
    h: &H,
    bad: Bytes,
    expected: impl Fn(&CandidateOutcome) -> bool,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let good = h.transaction(0);
    let mut pool = Pool::new([bad.clone(), good.clone()]);
    let attributes = chain.attributes(&chain.genesis)?;
    let built = chain
        .engine
        .build(&chain.genesis, attributes, &mut pool)
        .await?;
    ensure(
        built.input.transactions == [good],
        "the block does not hold exactly the good one",
    )?;
    let reported = pool.reports.iter().find(|(bytes, _)| *bytes == bad);
    ensure(
        reported.is_some_and(|(_, outcome)| expected(outcome)),
        format!("it was reported as {reported:?}"),
    )
}

pub(super) async fn an_unpayable_candidate_is_reported_and_left_out<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    left_out(h, h.unpayable(), |outcome| {
        *outcome != CandidateOutcome::Included
    })
    .await
}

pub(super) async fn a_garbage_candidate_is_reported_and_left_out<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    for bytes in garbage() {
        left_out(h, bytes, |outcome| {
            matches!(outcome, CandidateOutcome::Invalid(_))
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn a_candidate_with_a_nonce_gap_waits<H: ExecutionHarness>(h: &H) -> Verdict {
    left_out(h, h.transaction(7), |outcome| {
        *outcome == CandidateOutcome::Later
    })
    .await
}

pub(super) async fn building_stops_at_the_count<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut attributes = chain.attributes(&chain.genesis)?;
    attributes.max_transactions = 2;
    let built = chain.build_with(&chain.genesis, attributes, 0, 5).await?;
    let count = built.input.transactions.len();
    ensure(count == 2, format!("{count} transactions instead of 2"))
}

pub(super) async fn building_stops_at_the_bytes<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut attributes = chain.attributes(&chain.genesis)?;
    attributes.max_bytes = (h.transaction(0).len() + h.transaction(1).len()) as u64;
    let max = attributes.max_bytes;
    let built = chain.build_with(&chain.genesis, attributes, 0, 5).await?;
    let count = built.input.transactions.len();
    let bytes: usize = built
        .input
        .transactions
        .iter()
        .map(|bytes| bytes.len())
        .sum();
    ensure(
        count == 2 && bytes as u64 <= max,
        format!("{count} transactions with {bytes} bytes where {max} bytes were allowed"),
    )
}

pub(super) async fn building_moves_no_head<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let before = chain.engine.heads()?;
    let built = chain.build(&chain.genesis, 0, 1).await?;
    ensure(chain.engine.heads()? == before, "the heads moved")?;
    ensure(
        chain.engine.block(BlockId::Number(1))?.is_none(),
        "the block is canonical",
    )?;
    let beside = chain
        .engine
        .block(BlockId::Hash(built.executed.block.hash))?;
    ensure(beside.is_some(), "the block is not found by hash")
}

pub(super) async fn building_on_an_unknown_parent_is_rejected<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let attributes = chain.attributes(&chain.genesis)?;
    let unknown = BlockRef {
        number: 5,
        hash: keccak256("unknown"),
    };
    let mut pool = Pool::default();
    ensure_kind(
        chain.engine.build(&unknown, attributes, &mut pool).await,
        ErrorKind::Rejected,
        "build",
    )
}

pub(super) async fn building_is_deterministic<H: ExecutionHarness>(h: &H) -> Verdict {
    let a = Chain::open(h).await?;
    let b = Chain::fresh(h).await?;
    ensure(a.genesis == b.genesis, "two stores have two genesis blocks")?;
    let first = a.build(&a.genesis, 0, 3).await?;
    ensure(
        a.build(&a.genesis, 0, 3).await? == first,
        "building twice gives two blocks",
    )?;
    ensure(
        b.build(&b.genesis, 0, 3).await? == first,
        "two stores build two blocks",
    )
}
