use super::*;
use crate::{ChainStore as _, ErrorKind};

pub(super) async fn executing_what_was_built_gives_the_same_block<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let other = Chain::fresh(h).await?;
    for built in chain.extend(chain.genesis, 0, 3).await? {
        let executed = other.execute_valid(&built.input).await?;
        ensure(
            executed == built.executed,
            format!("block {} differs", built.executed.block.number),
        )?;
    }
    Ok(())
}

pub(super) async fn executing_again_gives_the_same_block<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 2).await?;
    for _ in 0..2 {
        let executed = chain.execute_valid(&built.input).await?;
        ensure(executed == built.executed, "the blocks differ")?;
    }
    chain.set_latest(built.executed.block).await?;
    let executed = chain.execute_valid(&built.input).await?;
    ensure(
        executed == built.executed,
        "the blocks differ once canonical",
    )
}

pub(super) async fn an_executed_block_is_answered_after_a_restart<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 2).await?;
    chain.set_latest(built.executed.block).await?;
    drop(chain);
    let chain = Chain::open(h).await?;
    let executed = chain.execute_valid(&built.input).await?;
    ensure(
        executed.block == built.executed.block && executed.header == built.executed.header,
        "the blocks differ",
    )
}

async fn invalid_at<H: ExecutionHarness>(h: &H, bad: Bytes) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut input = chain.build(&chain.genesis, 0, 1).await?.input;
    input.transactions.push(bad);
    match chain.engine.execute(&input).await? {
        ExecuteOutcome::Valid(_) => fail("the block is valid"),
        ExecuteOutcome::Invalid(invalid) => {
            ensure(
                invalid.transaction == Some(1),
                format!("the verdict blames {:?}, not 1", invalid.transaction),
            )?;
            ensure(!invalid.reason.is_empty(), "the verdict gives no reason")
        }
    }
}

pub(super) async fn garbage_makes_the_block_invalid_at_its_index<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    for bytes in garbage() {
        invalid_at(h, bytes).await?;
    }
    Ok(())
}

pub(super) async fn an_unpayable_transaction_makes_the_block_invalid<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    invalid_at(h, h.unpayable()).await
}

pub(super) async fn a_transaction_out_of_order_makes_the_block_invalid<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    invalid_at(h, h.transaction(0)).await?;
    invalid_at(h, h.transaction(2)).await
}

pub(super) async fn time_that_falls_makes_the_block_invalid<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 1).await?;
    let mut child = chain.build(&built.executed.block, 1, 2).await?.input;
    child.timestamp = built.input.timestamp - 1;
    match chain.engine.execute(&child).await? {
        ExecuteOutcome::Valid(_) => fail("the block is valid"),
        ExecuteOutcome::Invalid(invalid) => ensure(
            invalid.transaction.is_none(),
            "the verdict blames a transaction",
        ),
    }
}

pub(super) async fn an_invalid_block_leaves_nothing_behind<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 2).await?;
    let mut bad = built.input.clone();
    bad.transactions.push(h.unpayable());
    let before = chain.engine.heads()?;
    let first = chain.engine.execute(&bad).await?;
    let again = chain.engine.execute(&bad).await?;
    ensure(first == again, "the verdict changed")?;
    ensure(chain.engine.heads()? == before, "the heads moved")?;
    let executed = chain.execute_valid(&built.input).await?;
    ensure(executed == built.executed, "the valid block changed")
}

pub(super) async fn executing_on_an_unknown_parent_is_rejected<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let mut input = chain.build(&chain.genesis, 0, 1).await?.input;
    input.parent.hash = keccak256("unknown");
    ensure_kind(
        chain.engine.execute(&input).await,
        ErrorKind::Rejected,
        "execute",
    )
}

pub(super) async fn every_input_field_decides_the_hash<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let base = chain.build(&chain.genesis, 0, 2).await?;
    let change = |change: &dyn Fn(&mut BlockInput)| {
        let mut input = base.input.clone();
        change(&mut input);
        input
    };
    for (what, input) in [
        ("timestamp", change(&|input| input.timestamp += 1)),
        (
            "fee recipient",
            change(&|input| input.fee_recipient = Address::repeat_byte(0xfd)),
        ),
        (
            "anchor",
            change(&|input| input.anchor.data_root = keccak256("other")),
        ),
        (
            "origin",
            change(&|input| input.anchor.origin.hash = keccak256("other")),
        ),
        (
            "transactions",
            change(&|input| input.transactions.truncate(1)),
        ),
    ] {
        let executed = chain.execute_valid(&input).await?;
        ensure(
            executed.block.hash != base.executed.block.hash,
            format!("another {what} gives the same block"),
        )?;
        ensure(
            executed.block.hash == executed.header.hash_slow(),
            "the hash is not the header's",
        )?;
    }
    Ok(())
}
