use super::*;
use crate::{ChainStore as _, ForcedOutcome};

async fn build_forced<H: ExecutionHarness>(
    chain: &Chain<'_, H>,
    entries: Vec<Bytes>,
    change: impl Fn(&mut Attributes),
    from: u64,
    to: u64,
) -> Result<Built, Stop> {
    let mut attributes = chain.attributes(&chain.genesis)?;
    attributes.forced = (0u32..)
        .zip(entries)
        .map(|(index, bytes)| forced(index, bytes))
        .collect();
    change(&mut attributes);
    let count = attributes.forced.len();
    let built = chain
        .build_with(&chain.genesis, attributes, from, to)
        .await?;
    ensure(
        built.executed.forced.len() == count,
        "there is not one outcome per entry",
    )?;
    Ok(built)
}

const fn is_included(outcome: &ForcedOutcome) -> bool {
    matches!(outcome, ForcedOutcome::Included { .. })
}

const fn is_skipped(outcome: &ForcedOutcome) -> bool {
    matches!(outcome, ForcedOutcome::Skipped { .. })
}

pub(super) async fn a_forced_transaction_stands_first<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    // The ordinary ones are valid only after the forced one.
    let built = build_forced(&chain, vec![h.transaction(0)], |_| {}, 1, 3).await?;
    ensure(
        built.executed.forced.iter().all(is_included),
        format!("the outcome is {:?}", built.executed.forced),
    )?;
    ensure(
        built.input.transactions == [h.transaction(1), h.transaction(2)],
        "the ordinary transactions do not follow",
    )?;
    ensure(built.executed.transactions == 3, "the count is not 3")?;
    chain.set_latest(built.executed.block).await?;
    let Some(record) = chain.engine.block(BlockId::Number(1))? else {
        return fail("the block is missing");
    };
    ensure(
        record.forced_included == [h.transaction(0)],
        "the record does not hold the forced transaction",
    )?;
    ensure(
        record.transactions == built.input.transactions,
        "the record mixes forced and ordinary transactions",
    )?;
    let ids = built.input.forced.iter().map(|entry| entry.id);
    let outcomes = built.executed.forced.iter().cloned();
    ensure(
        record.forced.iter().cloned().eq(ids.zip(outcomes)),
        "the record tells other outcomes",
    )
}

pub(super) async fn forced_garbage_is_skipped_and_stops_nothing<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut entries = garbage();
    entries.push(h.unpayable());
    entries.push(h.transaction(5));
    let bad = entries.len();
    entries.push(h.transaction(0));
    let built = build_forced(&chain, entries, |_| {}, 1, 2).await?;
    let (skipped, rest) = built.executed.forced.split_at(bad);
    ensure(
        skipped.iter().all(is_skipped),
        format!("the outcomes are {skipped:?}"),
    )?;
    ensure(
        rest.iter().all(is_included),
        "a valid entry after garbage was not included",
    )?;
    ensure(
        built.input.transactions == [h.transaction(1)],
        "ordinary transactions do not follow",
    )?;
    // And the chain goes on.
    chain.build(&built.executed.block, 2, 3).await?;
    Ok(())
}

pub(super) async fn a_forced_transaction_is_attempted_once<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let entries = vec![h.transaction(0), h.transaction(0)];
    let built = build_forced(&chain, entries, |_| {}, 1, 1).await?;
    match &built.executed.forced[..] {
        [first, second] => ensure(
            is_included(first) && is_skipped(second) && second.is_consumed(),
            format!("the outcomes are {:?}", built.executed.forced),
        ),
        _ => fail("there are not two outcomes"),
    }
}

pub(super) async fn a_candidate_already_forced_is_left_out<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = build_forced(&chain, vec![h.transaction(0)], |_| {}, 0, 2).await?;
    ensure(
        built.input.transactions == [h.transaction(1)],
        "the forced transaction stands in the block twice",
    )
}

async fn waits<H: ExecutionHarness>(h: &H, change: impl Fn(&mut Attributes)) -> Verdict {
    let chain = Chain::open(h).await?;
    let entries = vec![h.transaction(0), h.transaction(1)];
    let built = build_forced(&chain, entries, change, 0, 0).await?;
    match &built.executed.forced[..] {
        [_, last] => ensure(
            *last == ForcedOutcome::Waits && !last.is_consumed(),
            format!("the outcomes are {:?}", built.executed.forced),
        ),
        _ => fail("there are not two outcomes"),
    }
}

pub(super) async fn an_entry_without_validations_left_waits<H: ExecutionHarness>(h: &H) -> Verdict {
    waits(h, |attributes| attributes.forced_budget.validations = 1).await?;
    waits(h, |attributes| attributes.forced_budget.validations = 0).await
}

pub(super) async fn an_entry_without_gas_left_waits<H: ExecutionHarness>(h: &H) -> Verdict {
    // One starts below the budget, and may overshoot it.
    waits(h, |attributes| attributes.forced_budget.gas = 1).await?;
    waits(h, |attributes| attributes.forced_budget.gas = 0).await
}

pub(super) async fn an_entry_larger_than_every_block_is_skipped<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let small = |attributes: &mut Attributes| attributes.forced_budget.bytes = 1;
    let built = build_forced(&chain, vec![h.transaction(0)], small, 0, 0).await?;
    ensure(
        built.executed.forced.iter().all(is_skipped),
        format!("the outcome is {:?}", built.executed.forced),
    )
}

pub(super) async fn forced_blocks_execute_as_they_were_built<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let other = Chain::fresh(h).await?;
    let mut entries = garbage();
    entries.extend([h.transaction(0), h.unpayable(), h.transaction(1)]);
    for validations in [0, 3, 7, 64] {
        let limit = |attributes: &mut Attributes| {
            attributes.forced_budget.validations = validations;
        };
        let built = build_forced(&chain, entries.clone(), limit, 0, 4).await?;
        let executed = other.execute_valid(&built.input).await?;
        ensure(
            executed == built.executed,
            format!("with {validations} validations the blocks differ"),
        )?;
    }
    Ok(())
}

pub(super) async fn inputs_that_make_one_block_are_told_their_own_outcomes<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut built = Vec::new();
    // Entries that are skipped leave no mark on the block.
    for entries in [garbage(), Vec::new()] {
        built.push(build_forced(&chain, entries, |_| {}, 0, 1).await?);
    }
    for one in built {
        let executed = chain.execute_valid(&one.input).await?;
        ensure(
            executed == one.executed,
            "an input is told the outcomes of another that makes the same block",
        )?;
    }
    Ok(())
}
