//! Whatever is posted: no panic, bounded state, and the same chain everywhere.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests, outside of test functions"
)]

mod common;
use alloy_primitives::{B256, Bytes};
use common::*;
use proptest::{collection, prelude::*};
use rollwright_core::{DaOrdinal, memory::MemoryTx};
use rollwright_derive::*;

/// A blob that somebody posts.
#[derive(Clone, Debug)]
enum Post {
    Garbage(Vec<u8>),
    /// Our header, and anything behind it.
    Headed(u8, Vec<u8>),
    /// A well-formed part, signed by key 1 (of the schedule) or 9.
    Part {
        signer: bool,
        attempt: u8,
        number: u8,
        id: u8,
        index: u8,
        count: u8,
        len: u8,
    },
    Forced(Vec<(u8, u8)>),
    /// A true part of the next batch, with one byte changed.
    Damaged(prop::sample::Index, u8),
    /// A true part of the next batch.
    True,
    Replay(prop::sample::Index),
}

fn post() -> impl Strategy<Value = Post> {
    prop_oneof![
        collection::vec(any::<u8>(), 0..200).prop_map(Post::Garbage),
        (0..5u8, collection::vec(any::<u8>(), 0..250)).prop_map(|(k, b)| Post::Headed(k, b)),
        any::<(bool, u8, u8, u8, u8, u8, u8)>().prop_map(
            |(signer, attempt, number, id, index, count, len)| Post::Part {
                signer,
                attempt: attempt % 3,
                number: number % 6,
                id: id % 4,
                index: index % 4,
                count: count % 5,
                len,
            }
        ),
        collection::vec((1..12u8, 0..4u8), 0..6).prop_map(Post::Forced),
        (any::<prop::sample::Index>(), 1..=255u8).prop_map(|(at, bits)| Post::Damaged(at, bits)),
        Just(Post::True),
        any::<prop::sample::Index>().prop_map(Post::Replay),
    ]
}

fn next_part(world: &mut World) -> Bytes {
    world.resync();
    let newest = world.ordinal().0 - 1;
    let origin = world
        .rules
        .next_origin(&world.tip, DaOrdinal(newest))
        .unwrap()
        .0;
    let block = world.preconfirm(origin, vec![]);
    let envelope = world.envelope(&[block]).encode();
    let attempt = world.deriver.state().attempt_of(&key(1).address());
    world.parts_by(&key(1), attempt, &envelope, 1).remove(0)
}

fn blob(world: &mut World, post: &Post, posted: &[Bytes]) -> Bytes {
    match post {
        Post::Garbage(bytes) => bytes.clone().into(),
        Post::Headed(kind, body) => {
            let mut blob = MAGIC.to_vec();
            blob.extend_from_slice(&[WIRE_VERSION, *kind]);
            blob.extend_from_slice(world.rules.rollup_id().as_slice());
            blob.extend_from_slice(body);
            blob.into()
        }
        Post::Part {
            signer,
            attempt,
            number,
            id,
            index,
            count,
            len,
        } => {
            let claim = PartClaim {
                key_entry: DaOrdinal(0),
                attempt: u64::from(*attempt),
                number: world.deriver.state().next_batch() + u64::from(*number),
                batch_id: B256::repeat_byte(*id),
                index: u32::from(*index),
                count: u32::from(*count),
                total_len: 300,
            };
            let signer = key(if *signer { 1 } else { 9 });
            world.sign(&signer, claim, vec![*len; usize::from(*len)].into())
        }
        Post::Forced(transactions) => {
            let transactions: Vec<Bytes> = transactions
                .iter()
                .map(|(from, nonce)| transfer(*from, u64::from(*nonce)))
                .collect();
            world.forced(&transactions)
        }
        Post::Damaged(at, bits) => {
            let mut blob = next_part(world).to_vec();
            let position = at.index(blob.len());
            blob[position] ^= bits;
            blob.into()
        }
        Post::True => next_part(world),
        Post::Replay(at) if !posted.is_empty() => at.get(posted).clone(),
        Post::Replay(_) => Bytes::new(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn hostile_blobs_never_stop_the_chain(
        blocks in collection::vec((collection::vec(post(), 0..5), 0..12u8), 1..25),
    ) {
        let mut world = World::default();
        let mut posted = Vec::new();
        world.mine_empty(2);
        for (posts, fate) in &blocks {
            let blobs: Vec<Bytes> = posts
                .iter()
                .map(|post| blob(&mut world, post, &posted))
                .collect();
            posted.extend(blobs.iter().cloned());
            world.mine(blobs);
            match fate {
                0 => {
                    let depth = world.ordinal().0.saturating_sub(3).max(2);
                    world.reorganise(depth);
                    world.mine_empty(1);
                }
                1 => world.deriver = world.reloaded(),
                _ => {}
            }
            let state = world.deriver.state();
            let set = world.rules.at(state.next_ordinal());
            prop_assert!(state.core().signers.iter().all(|s| s.stored <= set.key_capacity()));
            prop_assert!(state.core().signers.iter().all(|s| set.keys.contains(&s.address)));
            prop_assert!(state.forced_size().0 <= set.forced.queue_count);
            prop_assert!(state.origins().count() <= 21);
        }
        // A sequencer that follows the rules is still heard.
        let attempt = world.deriver.state().attempt_of(&key(1).address()) + 1;
        world.resync();
        let newest = DaOrdinal(world.ordinal().0 - 1);
        let origin = world.rules.next_origin(&world.tip, newest).unwrap().0;
        let block = world.preconfirm(origin, vec![]);
        let envelope = world.seal(&[block]);
        world.mine(world.parts_by(&key(1), attempt, &envelope, 2));
        prop_assert_eq!(world.head(), world.tip.block);
        // Others with another history agree.
        let mut late = world.fresh_node();
        late.read();
        prop_assert_eq!(late.deriver.state(), world.deriver.state());
        prop_assert_eq!(late.deriver.state().hash(), world.deriver.state().hash());
        let reloaded = world.reloaded();
        prop_assert_eq!(reloaded.state(), world.deriver.state());
    }
}

#[test]
fn codec_bombs_are_refused_before_they_are_opened() {
    let mut world = World::after(2);
    let block = world.preconfirm(1, vec![]);
    let honest = world.envelope(&[block]);
    let bomb = |change: &dyn Fn(&mut Envelope)| {
        let mut envelope = honest.clone();
        change(&mut envelope);
        world.parts(&envelope.encode(), 1).remove(0)
    };
    let blobs = vec![
        bomb(&|envelope| envelope.decompressed_len = u32::MAX),
        bomb(&|envelope| envelope.blocks = u32::MAX),
        bomb(&|envelope| envelope.transactions = u32::MAX),
        bomb(&|envelope| envelope.payload = [&[0xff; 4], &envelope.payload[4..]].concat().into()),
    ];
    world.mine(blobs);
    let codes = ["RW-DA-505", "RW-DA-505", "RW-DA-505", "RW-DA-524"];
    assert_eq!(world.drop_codes(), codes);
    assert_eq!(world.head().number, 0);
}

#[test]
fn a_transaction_that_the_chain_does_not_admit_refuses_the_whole_batch() {
    let mut world = World::after(2);
    let good = world.preconfirm(1, vec![transfer(1, 0)]);
    let mut foreign = MemoryTx::transfer(user(1), 0, user(2), 1);
    foreign.chain_id = 1_338;
    let mut envelope = world.envelope(&[good]);
    // The same length, so only the chain id differs in the payload.
    let own = transfer(1, 0);
    let at = envelope
        .payload
        .windows(own.len())
        .position(|window| window == &own[..])
        .unwrap();
    let mut payload = envelope.payload.to_vec();
    payload[at..at + own.len()].copy_from_slice(&foreign.encode()[..own.len()]);
    envelope.payload = payload.into();
    world.mine(world.parts(&envelope.encode(), 1));
    assert_eq!(world.drop_codes(), ["RW-DA-524"]);
    assert_eq!(world.deriver.state().next_batch(), 0);
}

#[test]
fn replayed_blobs_in_one_da_block_are_all_dropped_as_one() {
    let mut world = World::after(2);
    let blob = world.one_block_batch(1, vec![]);
    world.mine(vec![blob; 2_000]);
    assert_eq!(world.head(), world.tip.block);
    assert!(world.has_event(&DeriveEvent::Untraced(1_999 - MAX_TRACES as u64)));
}

/// Complete batches under one number whose payloads do not decode, each said
/// to be of `decompressed_len` bytes.
fn bombs(world: &mut World, attempt: u64, count: u64, decompressed_len: u32) -> Vec<Bytes> {
    world.resync();
    let block = world.preconfirm(1, vec![]);
    let honest = world.envelope(&[block]);
    let bomb = |index: u64| {
        let mut envelope = honest.clone();
        envelope.decompressed_len = decompressed_len;
        envelope.payload = index.to_le_bytes().to_vec().into();
        world
            .parts_by(&key(1), attempt, &envelope.encode(), 1)
            .remove(0)
    };
    (0..count).map(bomb).collect()
}

#[test]
fn what_one_da_block_decodes_in_vain_is_bounded() {
    let mut world = World::after(2);
    let most = world.rules.at(DaOrdinal(2)).limits.decompressed_bytes;
    // Columns may expand 32 times. The second reaches the bound, so the others
    // wait for the next DA block.
    let blobs = bombs(&mut world, 0, 5, most / 64);
    world.mine(blobs);
    assert_eq!(world.drop_codes(), ["RW-DA-524"; 2]);
    assert_eq!(world.deriver.state().batches().count(), 3);
    world.mine_empty(1);
    assert_eq!(world.drop_codes(), ["RW-DA-524"; 4]);
    world.mine_empty(1);
    assert_eq!(world.drop_codes(), ["RW-DA-524"; 5]);
    // Cheap ones are dealt with at once.
    let blobs = bombs(&mut world, 0, 5, 9);
    world.mine(blobs);
    assert_eq!(world.drop_codes(), ["RW-DA-524"; 10]);
    assert_eq!(world.deriver.state().batches().count(), 0);
}

#[test]
fn a_key_has_eight_batches_of_one_number_at_most() {
    let mut world = World::after(2);
    let most = world.rules.at(DaOrdinal(2)).limits.decompressed_bytes;
    let blobs = bombs(&mut world, 0, 2_000, most);
    world.mine(blobs);
    // One of the eight was opened.
    assert_eq!(world.deriver.state().batches().count(), MAX_RIVALS - 1);
    let kinds = world.drop_codes();
    assert_eq!(
        kinds.iter().filter(|code| **code == "RW-DA-512").count(),
        MAX_TRACES,
        "{kinds:?}"
    );
    // A higher attempt clears them away.
    world.resync();
    let block = world.preconfirm(1, vec![transfer(1, 0)]);
    let envelope = world.seal(&[block]);
    world.mine(world.parts_by(&key(1), 1, &envelope, 2));
    assert_eq!(world.head(), world.tip.block);
    assert_eq!(world.deriver.state().batches().count(), 0);
}

/// A megabyte of blobs for the forced lane, of transactions of `len` bytes.
fn garbage(world: &World, len: usize) -> Vec<Bytes> {
    let transaction = Bytes::from(vec![0x5a; len]);
    let per_blob = (128 << 10) / (len + 4);
    let blob = world.forced(&vec![transaction; per_blob]);
    vec![blob; 8]
}

#[test]
fn a_megabyte_of_forced_garbage_in_each_da_block_neither_stalls_nor_grows_a_node() {
    let mut world = World::after(2);
    let kinds: Vec<Vec<Bytes>> = [1, 200, 900, 60_000].map(|len| garbage(&world, len)).into();
    let mut sizes = Vec::new();
    let mut posted = 0;
    for round in 0..90u64 {
        world.events.clear();
        let mut blobs = kinds[(round % 4) as usize].clone();
        // Every fifth block an honest batch behind it: as far as origins step.
        let honest = round % 5 == 0;
        if honest {
            world.resync();
            let newest = DaOrdinal(world.ordinal().0 - 1);
            let origin = world.rules.next_origin(&world.tip, newest).unwrap().0;
            blobs.push(world.one_block_batch(origin, vec![]));
            posted += 1;
        }
        world.mine(blobs);
        if honest {
            assert_eq!(world.head(), world.tip.block, "DA block {round}");
        }
        assert!(world.events.len() <= MAX_TRACES + 4);
        let state = world.deriver.state();
        assert_eq!(state.forced_size(), (0, 0));
        assert_eq!(state.batches().count(), 0);
        sizes.push(state.encode().len());
        // As a layer does whose blocks become final.
        let last = da_id(world.da.last().unwrap());
        world.deriver.finalize(0, last);
    }
    assert_eq!(world.deriver.state().next_batch(), posted);
    let settled = &sizes[40..];
    assert_eq!(settled.iter().max(), settled.iter().min(), "no byte more");
}
