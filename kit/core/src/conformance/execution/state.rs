use super::*;
use crate::{ChainStore as _, ErrorKind, StateProof};

/// An engine with three canonical blocks.
async fn three_blocks<H: ExecutionHarness>(h: &H) -> Result<(Chain<'_, H>, Vec<Built>), Stop> {
    let chain = Chain::open(h).await?;
    let built = chain.extend(chain.genesis, 0, 3).await?;
    if let Some(last) = built.last() {
        chain.set_latest(last.executed.block).await?;
    }
    Ok((chain, built))
}

async fn prove<H: ExecutionHarness>(
    h: &H,
    chain: &Chain<'_, H>,
    at: &Built,
) -> Result<StateProof, Stop> {
    let keys = h.proof_keys();
    let proof = chain.engine.prove(&at.executed.block, &keys).await?;
    let asked = keys.iter().map(|key| (key.address, key.slots.to_vec()));
    let answered = proof.accounts.iter().map(|account| {
        let slots = account.slots.iter().map(|slot| slot.key).collect();
        (account.address, slots)
    });
    ensure(asked.eq(answered), "the proof is not of the keys asked for")?;
    Ok(proof)
}

pub(super) async fn proofs_hold_against_the_header<H: ExecutionHarness>(h: &H) -> Verdict {
    let (chain, built) = three_blocks(h).await?;
    let Some(last) = built.last() else {
        return fail("no block");
    };
    let proof = prove(h, &chain, last).await?;
    if let Err(error) = proof.verify(last.executed.header.state_root) {
        return fail(error);
    }
    ensure(
        proof.accounts.iter().any(|found| found.account.is_some()),
        "the harness names no existing account",
    )?;
    ensure(
        proof.accounts.iter().any(|found| found.account.is_none()),
        "the harness names no missing account",
    )
}

pub(super) async fn a_flipped_byte_breaks_a_state_proof<H: ExecutionHarness>(h: &H) -> Verdict {
    let (chain, built) = three_blocks(h).await?;
    let Some(last) = built.last() else {
        return fail("no block");
    };
    let root = last.executed.header.state_root;
    let proof = prove(h, &chain, last).await?;
    let Ok(bytes) = borsh::to_vec(&proof) else {
        return fail("the proof does not encode");
    };
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        if let Some(byte) = flipped.get_mut(at) {
            *byte ^= 1 << (at % 8);
        }
        let accepted = borsh::from_slice::<StateProof>(&flipped)
            .is_ok_and(|flipped| flipped.verify(root).is_ok());
        // A changed address of a missing account may name another missing one
        // whose absence the same nodes show; that is a true statement.
        let same_values = borsh::from_slice::<StateProof>(&flipped).is_ok_and(|flipped| {
            let pairs = flipped.accounts.iter().zip(&proof.accounts);
            pairs.fold(true, |same, (a, b)| {
                same && a.account == b.account
                    && a.proof == b.proof
                    && (a.account.is_none() || a.address == b.address)
                    && a.slots.iter().zip(&b.slots).all(|(a, b)| {
                        a.value == b.value
                            && a.proof == b.proof
                            && (a.value.is_zero() || a.key == b.key)
                    })
            })
        });
        ensure(
            !accepted || same_values,
            format!("byte {at} of {} flipped, and the proof holds", bytes.len()),
        )?;
    }
    Ok(())
}

pub(super) async fn a_proof_of_an_older_block_holds<H: ExecutionHarness>(h: &H) -> Verdict {
    let (chain, built) = three_blocks(h).await?;
    for built in &built {
        let proof = prove(h, &chain, built).await?;
        if let Err(error) = proof.verify(built.executed.header.state_root) {
            return fail(error);
        }
    }
    Ok(())
}

pub(super) async fn a_block_that_is_not_canonical_is_not_proved<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let (chain, built) = three_blocks(h).await?;
    let unknown = BlockRef {
        number: 2,
        hash: keccak256("unknown"),
    };
    let rival = chain.sibling(&chain.genesis, 0, 1).await?.executed.block;
    let keys = h.proof_keys();
    for block in [unknown, rival] {
        ensure_kind(
            chain.engine.prove(&block, &keys).await,
            ErrorKind::Rejected,
            "prove",
        )?;
        ensure_kind(
            chain.engine.witness(&block).await,
            ErrorKind::Rejected,
            "witness",
        )?;
    }
    ensure(built.len() == 3, "too few blocks")
}

/// A block with forced, ordinary and invalid entries, its parent's header and
/// its witness.
async fn witnessed<H: ExecutionHarness>(h: &H) -> Result<(Header, Built, ExecutionWitness), Stop> {
    let chain = Chain::open(h).await?;
    let first = chain.build(&chain.genesis, 0, 2).await?;
    let parent = first.executed.block;
    let mut attributes = chain.attributes(&parent)?;
    attributes.forced = vec![
        forced(0, h.unpayable()),
        forced(1, h.transaction(2)),
        forced(2, Bytes::from_static(b"garbage")),
    ];
    let built = chain.build_with(&parent, attributes, 3, 5).await?;
    chain.set_latest(built.executed.block).await?;
    let witness = chain.engine.witness(&built.executed.block).await?;
    let parent = chain.header(&parent)?;
    ensure(
        witness
            .headers
            .iter()
            .any(|header| keccak256(header) == built.input.parent.hash),
        "the witness lacks the parent's header",
    )?;
    Ok((parent, built, witness))
}

pub(super) async fn a_witness_suffices_to_execute_the_block<H: ExecutionHarness>(h: &H) -> Verdict {
    let (parent, built, witness) = witnessed(h).await?;
    match h.execute_stateless(&parent, &built.input, &witness) {
        None => Err(Stop::Skip("the harness executes nothing stateless".into())),
        Some(Err(reason)) => fail(reason),
        Some(Ok(header)) => ensure(
            header == built.executed.header,
            "stateless execution gives another header",
        ),
    }
}

pub(super) async fn a_witness_holds_nothing_needless<H: ExecutionHarness>(h: &H) -> Verdict {
    let (parent, built, witness) = witnessed(h).await?;
    for at in 0..witness.state.len() {
        let mut less = witness.clone();
        less.state.remove(at);
        match h.execute_stateless(&parent, &built.input, &less) {
            None => return Err(Stop::Skip("the harness executes nothing stateless".into())),
            Some(Err(_)) => {}
            Some(Ok(_)) => return fail(format!("node {at} of the witness is not needed")),
        }
    }
    Ok(())
}

pub(super) async fn a_transaction_is_admitted_with_its_facts<H: ExecutionHarness>(
    h: &H,
) -> Verdict {
    let (chain, _) = three_blocks(h).await?;
    let next = chain.engine.admit(&h.transaction(3)).await?;
    let later = chain.engine.admit(&h.transaction(5)).await?;
    for (holds, what) in [
        (next.nonce == next.account_nonce, "nonce"),
        (later.nonce == next.nonce + 2, "nonce with a gap"),
        (later.sender == next.sender, "sender"),
        (later.hash != next.hash, "hash"),
        (next.max_cost <= next.balance, "cost"),
        (next.bytes == h.transaction(3).len() as u64, "length"),
        (next.gas_limit > 0, "gas limit"),
        (next.max_priority_fee_per_gas <= next.max_fee_per_gas, "tip"),
    ] {
        ensure(holds, format!("the admission's {what} is wrong: {next:?}"))?;
    }
    Ok(())
}

pub(super) async fn a_hopeless_transaction_is_not_admitted<H: ExecutionHarness>(h: &H) -> Verdict {
    let (chain, _) = three_blocks(h).await?;
    let mut hopeless = garbage();
    hopeless.push(h.transaction(0));
    for bytes in hopeless {
        ensure_kind(
            chain.engine.admit(&bytes).await,
            ErrorKind::Rejected,
            &format!("admit {bytes}"),
        )?;
    }
    Ok(())
}

pub(super) async fn effects_match_the_block<H: ExecutionHarness>(h: &H) -> Verdict {
    let (chain, built) = three_blocks(h).await?;
    for built in &built {
        let block = built.executed.block;
        let Some(effects) = chain.engine.effects(&block.hash)? else {
            return Err(Stop::Skip("the engine keeps no effects".into()));
        };
        ensure(
            effects.receipts.len() == built.executed.transactions as usize,
            "there is not one receipt per transaction",
        )?;
        ensure(
            alloy_trie::root::ordered_trie_root_encoded(&effects.receipts)
                == built.executed.header.receipts_root,
            "the receipts do not hash to the header's root",
        )?;
    }
    let none = chain.engine.effects(&keccak256("unknown"))?;
    ensure(none.is_none(), "an unknown block has effects")
}
