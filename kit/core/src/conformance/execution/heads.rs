use super::*;
use crate::{ChainStore as _, ErrorKind, RecordChange};

pub(super) async fn there_are_no_heads_before_genesis<H: ExecutionHarness>(h: &H) -> Verdict {
    let engine = h.open().await;
    ensure_kind(engine.heads(), ErrorKind::NotYet, "heads")
}

pub(super) async fn genesis_is_made_once<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let genesis = chain.genesis;
    ensure(genesis.number == 0, "genesis is not block 0")?;
    ensure(
        chain.header(&genesis)?.hash_slow() == genesis.hash,
        "the hash is not the header's",
    )?;
    let built = chain.build(&genesis, 0, 1).await?;
    chain.set_latest(built.executed.block).await?;
    ensure(
        chain.engine.genesis().await? == genesis,
        "a second call gives another block",
    )?;
    drop(chain);
    let engine = h.open().await;
    ensure(
        engine.genesis().await? == genesis,
        "a restart gives another block",
    )?;
    ensure(
        engine.heads()?.latest == built.executed.block,
        "a second call moved the heads",
    )
}

pub(super) async fn a_store_of_another_chain_is_refused<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let genesis = chain.genesis;
    drop(chain);
    let Some(other) = h.open_as_other_chain().await else {
        return Err(Stop::Skip("the harness opens no other chain".into()));
    };
    ensure_kind(other.genesis().await, ErrorKind::Fatal, "genesis")?;
    drop(other);
    let engine = h.open().await;
    ensure(
        engine.heads()? == Heads::all(genesis),
        "the store was changed",
    )
}

pub(super) async fn a_head_that_is_set_is_read_back<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 2).await?;
    let block = built.executed.block;
    ensure(
        chain.set_latest(block).await?.is_empty(),
        "blocks left the chain",
    )?;
    ensure(chain.engine.heads()?.latest == block, "the head is another")?;
    for id in [BlockId::Number(1), BlockId::Hash(block.hash)] {
        let Some(record) = chain.engine.block(id)? else {
            return fail(format!("{id:?} is missing"));
        };
        let header = &built.executed.header;
        for (holds, what) in [
            (record.block == block, "block"),
            (record.parent == chain.genesis, "parent"),
            (record.timestamp == header.timestamp, "timestamp"),
            (record.fee_recipient == header.beneficiary, "fee recipient"),
            (record.state_root == header.state_root, "state root"),
            (record.gas_used == header.gas_used, "gas used"),
            (
                record.anchor.as_ref() == Some(&built.input.anchor),
                "anchor",
            ),
            (
                record.transactions == built.input.transactions,
                "transactions",
            ),
            (record.input_hash == built.input.hash(), "input hash"),
        ] {
            ensure(holds, format!("the record's {what} is another"))?;
        }
        ensure(
            chain.engine.header(id)?.as_ref() == Some(header),
            "the header is another",
        )?;
    }
    Ok(())
}

pub(super) async fn setting_heads_again_is_harmless<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.build(&chain.genesis, 0, 1).await?;
    for _ in 0..3 {
        let removed = chain.set_latest(built.executed.block).await?;
        ensure(removed.is_empty(), "blocks left the chain")?;
    }
    ensure(
        chain.engine.heads()?.latest == built.executed.block,
        "the head is another",
    )
}

pub(super) async fn several_blocks_become_canonical_at_once<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.extend(chain.genesis, 0, 4).await?;
    let [_, safe, _, latest] = &built[..] else {
        return fail("too few blocks");
    };
    let heads = Heads {
        latest: latest.executed.block,
        safe: safe.executed.block,
        finalized: chain.genesis,
    };
    chain.engine.set_heads(&heads, &[]).await?;
    ensure(chain.engine.heads()? == heads, "the heads are others")?;
    for block in &built {
        let wanted = block.executed.block;
        let found = chain.engine.block(BlockId::Number(wanted.number))?;
        ensure(
            found.is_some_and(|found| found.block == wanted),
            format!("block {} is not canonical", wanted.number),
        )?;
    }
    Ok(())
}

pub(super) async fn competing_blocks_live_side_by_side<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let a = chain.build(&chain.genesis, 0, 1).await?.executed.block;
    let b = chain.sibling(&chain.genesis, 0, 2).await?.executed.block;
    ensure(a != b, "the blocks are equal")?;
    let on_a = chain.build(&a, 1, 2).await?.executed.block;
    let on_b = chain.build(&b, 2, 3).await?.executed.block;
    for block in [a, b, on_a, on_b] {
        let found = chain.engine.block(BlockId::Hash(block.hash))?;
        ensure(
            found.is_some_and(|found| found.block == block),
            "a competing block is missing",
        )?;
    }
    Ok(())
}

pub(super) async fn a_reorganisation_returns_what_left_newest_first<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let old: Vec<BlockRef> = chain
        .extend(chain.genesis, 0, 3)
        .await?
        .iter()
        .map(|built| built.executed.block)
        .collect();
    let [first, second, third] = old[..] else {
        return fail("too few blocks");
    };
    chain.set_latest(third).await?;
    let new = chain.sibling(&first, 1, 3).await?.executed.block;
    let removed = chain.set_latest(new).await?;
    ensure(
        removed == [third, second],
        format!("these left: {removed:?}"),
    )?;
    ensure(chain.engine.heads()?.latest == new, "the head is another")?;
    ensure(
        chain.engine.block(BlockId::Number(3))?.is_none(),
        "a block above the head is canonical",
    )?;
    let at_two = chain.engine.block(BlockId::Number(2))?;
    ensure(
        at_two.is_some_and(|found| found.block == new),
        "the new block is not canonical",
    )
}

pub(super) async fn a_rolled_back_state_is_the_former_one<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let long = chain.extend(chain.genesis, 0, 3).await?;
    let Some(last) = long.last() else {
        return fail("too few blocks");
    };
    chain.set_latest(last.executed.block).await?;
    let short = chain.sibling(&chain.genesis, 0, 1).await?;
    chain.set_latest(short.executed.block).await?;
    // Against the state of one transaction, the next one is number 1.
    let admission = chain.engine.admit(&h.transaction(1)).await?;
    ensure(
        admission.account_nonce == admission.nonce,
        "the account still counts transactions that left",
    )?;
    let fresh = Chain::fresh(h).await?;
    fresh.execute_valid(&short.input).await?;
    fresh.set_latest(short.executed.block).await?;
    let a = chain.build(&short.executed.block, 1, 3).await?;
    let b = fresh.build(&short.executed.block, 1, 3).await?;
    ensure(a == b, "a block on the rolled-back state differs")
}

pub(super) async fn a_block_that_left_can_come_back<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let a = chain.build(&chain.genesis, 0, 1).await?;
    let b = chain.sibling(&chain.genesis, 0, 2).await?;
    for built in [&a, &b, &a, &b, &a] {
        chain.execute_valid(&built.input).await?;
        chain.set_latest(built.executed.block).await?;
        ensure(
            chain.engine.heads()?.latest == built.executed.block,
            "the head is another",
        )?;
    }
    Ok(())
}

pub(super) async fn heads_can_go_back_to_an_ancestor<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.extend(chain.genesis, 0, 2).await?;
    let [first, second] = &built[..] else {
        return fail("too few blocks");
    };
    chain.set_latest(second.executed.block).await?;
    let removed = chain.set_latest(first.executed.block).await?;
    ensure(
        removed == [second.executed.block],
        format!("these left: {removed:?}"),
    )?;
    ensure(
        chain.engine.block(BlockId::Number(2))?.is_none(),
        "a block above the head is canonical",
    )
}

pub(super) async fn a_final_block_is_never_undone<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let built = chain.extend(chain.genesis, 0, 2).await?;
    let [first, second] = &built[..] else {
        return fail("too few blocks");
    };
    let heads = Heads {
        latest: second.executed.block,
        safe: first.executed.block,
        finalized: first.executed.block,
    };
    chain.engine.set_heads(&heads, &[]).await?;
    let rival = match chain.sibling(&chain.genesis, 0, 2).await {
        Ok(rival) => rival.executed.block,
        // An engine may refuse to build below a final block.
        Err(Stop::Fail(_)) => return Ok(()),
        Err(skip) => return Err(skip),
    };
    let undo = Heads {
        latest: rival,
        safe: rival,
        finalized: rival,
    };
    let record = RecordChange::put(b"undo".to_vec(), b"1".to_vec());
    ensure_kind(
        chain.engine.set_heads(&undo, &[record]).await,
        ErrorKind::Fatal,
        "set_heads",
    )?;
    ensure(chain.engine.heads()? == heads, "the heads moved")?;
    ensure(
        chain.engine.record(b"undo")?.is_none(),
        "a record was written",
    )
}

pub(super) async fn an_unknown_head_is_rejected<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let before = chain.engine.heads()?;
    let unknown = BlockRef {
        number: 1,
        hash: keccak256("unknown"),
    };
    let heads = Heads {
        latest: unknown,
        ..before
    };
    ensure_kind(
        chain.engine.set_heads(&heads, &[]).await,
        ErrorKind::Rejected,
        "set_heads",
    )?;
    ensure(chain.engine.heads()? == before, "the heads moved")
}

pub(super) async fn heads_that_are_no_chain_are_rejected<H: ExecutionHarness>(h: &H) -> Verdict {
    let chain = Chain::open(h).await?;
    let a = chain.extend(chain.genesis, 0, 2).await?;
    let b = chain.sibling(&chain.genesis, 0, 2).await?.executed.block;
    let [first, second] = &a[..] else {
        return fail("too few blocks");
    };
    let (first, second) = (first.executed.block, second.executed.block);
    let before = chain.engine.heads()?;
    for (latest, safe, finalized) in [
        (second, b, chain.genesis),
        (first, second, chain.genesis),
        (second, chain.genesis, first),
    ] {
        let heads = Heads {
            latest,
            safe,
            finalized,
        };
        ensure_kind(
            chain.engine.set_heads(&heads, &[]).await,
            ErrorKind::Rejected,
            "set_heads",
        )?;
        ensure(chain.engine.heads()? == before, "the heads moved")?;
    }
    Ok(())
}

pub(super) async fn a_restart_keeps_the_chain_and_forgets_the_rest<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let chain = Chain::open(h).await?;
    let canonical = chain.extend(chain.genesis, 0, 2).await?;
    let [first, second] = &canonical[..] else {
        return fail("too few blocks");
    };
    let heads = Heads {
        latest: second.executed.block,
        safe: first.executed.block,
        finalized: chain.genesis,
    };
    chain.engine.set_heads(&heads, &[]).await?;
    let rival = chain.sibling(&chain.genesis, 0, 2).await?;
    let loose = chain.build(&second.executed.block, 2, 3).await?;
    drop(chain);
    let chain = Chain::open(h).await?;
    ensure(chain.engine.heads()? == heads, "the heads are others")?;
    for built in &canonical {
        let block = built.executed.block;
        let found = chain.engine.block(BlockId::Number(block.number))?;
        ensure(
            found.is_some_and(|found| found.block == block),
            "a canonical block is lost",
        )?;
    }
    for built in [&rival, &loose] {
        let found = chain
            .engine
            .block(BlockId::Hash(built.executed.block.hash))?;
        ensure(found.is_none(), "a loose block survived")?;
        // It can be made again.
        let again = chain.execute_valid(&built.input).await?;
        ensure(
            again.block == built.executed.block,
            "a loose block is another now",
        )?;
    }
    chain.set_latest(loose.executed.block).await?;
    Ok(())
}
