//! The deriver as a whole: any DA history.

use crate::{
    Memory, Seed, Target,
    world::{World, key},
};
use alloy_primitives::{Address, B256, Bytes};
use arbitrary::{Arbitrary, Unstructured};
use rollwright_core::{DaOrdinal, memory::MemoryTx};
use rollwright_derive::{
    Derivable as _, DeriveEvent, Deriver, DeriverState, DropReason, MAGIC, MAX_TRACES, PartClaim,
    WIRE_VERSION,
};
use rollwright_reference::{Blocking, Chain, History, MemoryPayloads, compare, derive, drive};
use std::sync::Arc;

/// Histories of a DA layer, as the input spells them.
pub(super) const HISTORY: Target = Target {
    name: "deriver-history",
    about: "Whatever is posted, reorganised and restarted: state within bounds, and one chain for \
            all who read the same DA blocks, with the same traces.",
    run: history,
    seeds: histories,
    max_len: 1_024,
    memory: Memory {
        base: 16 << 20,
        per_byte: 64 << 10,
    },
    words: &[],
};

/// The same histories, without restarts.
pub(super) const REFERENCE: Target = Target {
    name: "deriver-reference",
    about: "The reference deriver, written from the document alone, tells the same of every DA block.",
    run: reference,
    seeds: histories,
    max_len: 1_024,
    memory: Memory {
        base: 32 << 20,
        per_byte: 128 << 10,
    },
    words: &[],
};

/// One envelope, in pieces of any size and order.
pub(super) const CHUNKS: Target = Target {
    name: "deriver-chunks",
    about: "An envelope, true or damaged, has the same effect whole and in pieces of any order.",
    run: chunks,
    seeds: || {
        vec![
            Seed::new("true", vec![0; 8]),
            Seed::new("reversed", vec![2, 1, 7, 6, 5, 4, 3, 2, 1, 0, 0]),
            Seed::new("damaged", vec![3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 40, 0, 255]),
        ]
    },
    max_len: 256,
    memory: Memory {
        base: 16 << 20,
        per_byte: 4 << 10,
    },
    words: &[],
};

/// One DA block of a history at most holds this many blobs.
const BLOBS: usize = 6;
/// Steps of a history that are looked at.
const STEPS: usize = 48;

#[derive(Arbitrary, Debug)]
enum Happens {
    /// A DA block, so many seconds after the last.
    Block { seconds: u8, blobs: Vec<Post> },
    /// Empty DA blocks.
    Silence(u8),
    /// The newest DA blocks vanish.
    Reorganisation { depth: u8 },
    /// The node starts again from its records.
    Restart,
    /// DA blocks become final, so many below the newest.
    Final { below: u8 },
}

#[derive(Arbitrary, Debug)]
enum Post {
    /// Anything.
    Garbage(Vec<u8>),
    /// Our header, and anything behind it.
    Headed { kind: u8, body: Vec<u8> },
    /// Signed by a key of the schedule or by none of it, and of no true batch.
    Part(Claimed),
    /// Transactions of funded accounts, each a sender and a nonce.
    Forced(Vec<(u8, u8)>),
    /// The next batch, as the sequencer posts it; with bytes changed, if any.
    Batch {
        blocks: u8,
        parts: u8,
        attempt: u8,
        damage: Vec<(u16, u8)>,
    },
    /// A blob that was posted before.
    Replay(u8),
}

#[derive(Arbitrary, Debug)]
struct Claimed {
    signer: u8,
    key_entry: u8,
    attempt: u8,
    number: u8,
    id: u8,
    index: u8,
    count: u8,
    total: u16,
    piece: u8,
}

fn history(input: &[u8]) {
    same_for_all(&mut played(input));
}

/// The world after everything that an input says.
fn played(input: &[u8]) -> World {
    let mut source = Unstructured::new(input);
    let mut world = World::new();
    let mut posted = Vec::new();
    for _ in 0..STEPS {
        if source.is_empty() {
            break;
        }
        let Ok(next) = Happens::arbitrary(&mut source) else {
            break;
        };
        happen(&mut world, &mut posted, next);
        within_bounds(&world);
    }
    world
}

fn happen(world: &mut World, posted: &mut Vec<Bytes>, next: Happens) {
    match next {
        Happens::Block { seconds, blobs } => {
            let mut all = Vec::new();
            for post in blobs.into_iter().take(BLOBS) {
                all.extend(blobs_of(world, posted, post));
            }
            posted.extend(all.iter().cloned());
            world.mine(u64::from(seconds % 16), all);
        }
        Happens::Silence(count) => (0..count % 24).for_each(|_| world.mine(2, Vec::new())),
        Happens::Reorganisation { depth } => {
            let from = world.ordinal().saturating_sub(u64::from(depth % 8));
            let from = from.max(world.deriver.final_below().0);
            if from < world.ordinal() {
                world.reorganise(from);
            }
        }
        Happens::Restart => {
            let before = world.state().clone();
            world.restart();
            assert_eq!(*world.state(), before, "a restart changed the state");
        }
        Happens::Final { below } => {
            if let Some(at) = world.ordinal().checked_sub(u64::from(below % 8) + 1) {
                world.finalise(at);
            }
        }
    }
}

fn blobs_of(world: &mut World, posted: &[Bytes], post: Post) -> Vec<Bytes> {
    let one = |blob: Bytes| vec![blob];
    match post {
        Post::Garbage(bytes) => one(bytes.into()),
        Post::Headed { kind, body } => {
            let mut blob = MAGIC.to_vec();
            blob.extend_from_slice(&[WIRE_VERSION, kind]);
            blob.extend_from_slice(world.id.as_slice());
            blob.extend_from_slice(&body);
            one(blob.into())
        }
        Post::Part(claimed) => {
            let claim = PartClaim {
                key_entry: DaOrdinal(u64::from(claimed.key_entry / 192)),
                attempt: u64::from(claimed.attempt % 4),
                number: world.state().next_batch() + u64::from(claimed.number % 5),
                batch_id: B256::repeat_byte(claimed.id % 4),
                index: u32::from(claimed.index % 6),
                count: u32::from(claimed.count % 10),
                total_len: u32::from(claimed.total),
            };
            let piece = vec![claimed.id; usize::from(claimed.piece)];
            one(world.sign(&key(1 + claimed.signer % 3), claim, piece.into()))
        }
        Post::Forced(list) => {
            let transactions: Vec<Bytes> = list
                .into_iter()
                .take(8)
                .map(|(from, nonce)| {
                    let (from, to) = (Address::repeat_byte(from % 12), Address::repeat_byte(9));
                    MemoryTx::transfer(from, u64::from(nonce % 4), to, 1).encode()
                })
                .collect();
            one(world.forced(&transactions))
        }
        Post::Batch {
            blocks,
            parts,
            attempt,
            damage,
        } => {
            let envelope = damaged(&world.next_envelope(usize::from(blocks % 4)), &damage);
            let attempt = world.state().attempt_of(&signer()) + u64::from(attempt / 192);
            world.parts(&envelope, attempt, usize::from(parts % 10))
        }
        Post::Replay(at) if posted.is_empty() || at == 255 => Vec::new(),
        Post::Replay(at) => one(posted[usize::from(at) % posted.len()].clone()),
    }
}

fn signer() -> Address {
    use rollwright_derive::PartSigner as _;
    key(1).address()
}

fn damaged(bytes: &Bytes, damage: &[(u16, u8)]) -> Bytes {
    let mut bytes = bytes.to_vec();
    for (at, bits) in damage.iter().take(4) {
        if !bytes.is_empty() {
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= bits;
        }
    }
    bytes.into()
}

fn reference(input: &[u8]) {
    let world = played(input);
    let chain = Chain {
        genesis: crate::seeds::empty_world().genesis,
        genesis_time: world.engine.genesis_time(),
        config: world.rules.config().clone(),
        digest: world.engine.config_digest(),
        amendments: Vec::new(),
    };
    let codec = world.engine.codec();
    let payloads = MemoryPayloads {
        chain_id: codec.chain_id,
    };
    let history = History {
        blocks: world.da.clone(),
        ..History::default()
    };
    let mut executor = Blocking(World::new().engine);
    let told = derive(&chain, &payloads, &history, &mut executor).expect("executes");
    let real = drive(&chain, codec, &history, &mut executor).expect("derives");
    if let Some(difference) = compare(&told, &real.driven, None) {
        panic!("{difference}");
    }
}

/// What the document promises of the state after any DA block.
fn within_bounds(world: &World) {
    let state = world.state();
    let set = world.rules.at(state.next_ordinal());
    for signer in &state.core().signers {
        assert!(signer.stored <= set.key_capacity(), "a key stores too much");
        assert!(set.keys.contains(&signer.address), "a key of no schedule");
    }
    let (count, bytes) = state.forced_size();
    assert!(count <= set.forced.queue_count && bytes <= set.forced.queue_bytes);
    assert_eq!(state.forced().count(), count as usize);
    assert!(state.origins().count() as u64 <= set.timing.window + 1);
    let lookahead = set.limits.batch_lookahead;
    for (batch, _) in state.batches() {
        let ahead = batch.number.checked_sub(state.next_batch());
        assert!(ahead.is_some_and(|ahead| ahead < lookahead), "{batch:?}");
    }
    let traced = |ordinal: u64| {
        let of = |event: &&(u64, DeriveEvent)| {
            event.0 == ordinal && matches!(event.1, DeriveEvent::Dropped(_))
        };
        world.events.iter().filter(of).count()
    };
    if let Some(last) = world.ordinal().checked_sub(1) {
        assert!(traced(last) <= MAX_TRACES);
    }
}

/// Others with another history, who see the same DA blocks, hold the same.
fn same_for_all(world: &mut World) {
    let late = world.fresh();
    assert_eq!(late.state(), world.state(), "a late joiner disagrees");
    assert_eq!(late.state().hash(), world.state().hash());
    assert_eq!(late.events, world.events, "other traces of the same blocks");
    // A snapshot of the state goes on like the node that it is of.
    let copy = DeriverState::decode(&world.state().encode()).expect("its own encoding");
    assert_eq!(copy.hash(), world.state().hash());
    let mut joined = world.fresh();
    joined.deriver = Deriver::with_state(Arc::clone(&world.rules), world.engine.codec(), copy);
    world.restart();
    for node in [&mut *world, &mut joined] {
        (0..20).for_each(|_| node.mine(2, Vec::new()));
    }
    assert_eq!(
        joined.state(),
        world.state(),
        "a snapshot goes on otherwise"
    );
    // A sequencer that follows the rules is heard, whatever was posted.
    let attempt = world.state().attempt_of(&signer()) + 1;
    let before = world.head().number;
    let envelope = world.next_envelope(1);
    world.mine(2, world.parts(&envelope, attempt, 2));
    assert!(
        world.head().number > before,
        "an honest batch is not taken: {:?}",
        drops(world)
    );
}

/// The last reasons for which blobs or batches were dropped.
fn drops(world: &World) -> Vec<&DropReason> {
    let newest = world.events.iter().rev();
    newest
        .filter_map(|(_, event)| match event {
            DeriveEvent::Dropped(dropped) => Some(&dropped.reason),
            _ => None,
        })
        .take(8)
        .collect()
}

/// Seeds: histories are not encoded by anybody, so these are bytes that the
/// decoder above reads as the name says, or at random.
fn histories() -> Vec<Seed> {
    let mut state: u32 = 0x2545_f491;
    let mut random = |len: usize| -> Vec<u8> {
        (0..len)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
                (state >> 11) as u8
            })
            .collect()
    };
    let mut seeds = vec![Seed::new("silence", vec![0x40; 40])];
    for len in [64, 128, 256, 512, 768] {
        seeds.push(Seed::new(format!("random-{len}"), random(len)));
    }
    seeds
}

#[derive(Arbitrary, Debug)]
struct Pieces {
    blocks: u8,
    count: u8,
    order: [u8; 8],
    twice: bool,
    damage: Vec<(u16, u8)>,
}

fn chunks(input: &[u8]) {
    let Ok(pieces) = Pieces::arbitrary(&mut Unstructured::new(input)) else {
        return;
    };
    let envelope = |world: &mut World| {
        damaged(
            &world.next_envelope(usize::from(pieces.blocks % 4)),
            &pieces.damage,
        )
    };
    let mut whole = World::new();
    let bytes = envelope(&mut whole);
    whole.mine(2, whole.parts(&bytes, 0, 1));
    let mut split = World::new();
    assert_eq!(envelope(&mut split), bytes);
    let count = 1 + usize::from(pieces.count % 8);
    let mut parts = split.parts(&bytes, 0, count);
    for (at, other) in pieces.order.iter().enumerate() {
        if at < parts.len() {
            let other = usize::from(*other) % parts.len();
            parts.swap(at, other);
        }
    }
    if pieces.twice {
        parts.extend(parts.clone());
    }
    split.mine(2, parts);
    let (one, many) = (whole.state(), split.state());
    // DA blocks differ in what was posted, so the origin after them does.
    assert_eq!(many.head(), one.head());
    assert_eq!(many.next_batch(), one.next_batch());
    assert_eq!(many.last_batch_id(), one.last_batch_id());
    assert_eq!(many.term(), one.term());
    assert_eq!(many.batches().count(), one.batches().count());
    let code = |world: &World| {
        let mut codes: Vec<&str> = drops(world).into_iter().map(DropReason::code).collect();
        codes.dedup();
        codes
    };
    if !pieces.twice {
        assert_eq!(code(&split), code(&whole));
    }
}
