//! What a node keeps of derivation and of what it posted.

use crate::{Memory, Seed, Target, seeds, world};
use alloy_primitives::Bytes;
use arbitrary::{Arbitrary, Unstructured};
use rollwright_core::{DaOrdinal, LayerError};
use rollwright_derive::{
    Batcher, BatcherSettings, CodecId, Deriver, DeriverState, PartSigner, RECORD_PREFIX,
};
use std::sync::Arc;

/// A state in one piece, as a snapshot or a proof carries it.
pub(super) const DERIVER_STATE: Target = Target {
    name: "deriver-state",
    about: "A state is refused with a code, or is exactly what it encodes to, rows and hash too.",
    run: state,
    seeds: || {
        let worlds = seeds::worlds();
        worlds
            .iter()
            .map(|(name, world)| Seed::new(*name, world.state().encode()))
            .collect()
    },
    max_len: 8 << 10,
    memory: Memory::BORSH,
    words: &[],
};

/// Records of a store that may be damaged in any way.
pub(super) const DERIVER_RECORDS: Target = Target {
    name: "deriver-records",
    about: "A deriver refuses its records with a code, or goes on and can roll back.",
    run: deriver_records,
    seeds: || record_seeds(b"su"),
    max_len: 8 << 10,
    memory: Memory {
        base: 2 << 20,
        per_byte: 512,
    },
    words: &[
        RECORD_PREFIX,
        b"s\x00",
        b"s\x01",
        b"s\x02",
        b"s\x03",
        b"s\x04",
        b"u",
    ],
};

/// Batches in flight, as they were written before a restart.
pub(super) const BATCHER_RECORDS: Target = Target {
    name: "batcher-records",
    about: "A batcher refuses its records with a code, or follows any state without a panic.",
    run: batcher_records,
    seeds: batcher_seeds,
    max_len: 8 << 10,
    memory: Memory {
        base: 2 << 20,
        per_byte: 512,
    },
    words: &[RECORD_PREFIX, b"bh\x01", b"bf\x01"],
};

fn coded(error: &(impl LayerError + std::fmt::Display)) {
    assert!(error.code().starts_with("RW-"), "{}", error.code());
    assert!(!error.to_string().is_empty());
}

fn state(input: &[u8]) {
    match DeriverState::decode(input) {
        Ok(state) => {
            assert_eq!(state.encode(), input, "two encodings of one state");
            let records = state.to_records().into_iter();
            let rows = records.filter_map(|record| Some((record.key, record.value?)));
            let again = DeriverState::from_records(rows)
                .expect("its own rows")
                .expect("rows");
            assert_eq!(again, state);
            assert_eq!(again.hash(), state.hash());
        }
        Err(error) => coded(&error),
    }
}

/// Records as an input spells them: key length u8, value length u16, both.
pub(super) fn records(input: &[u8]) -> Vec<(Bytes, Bytes)> {
    let mut rest = input;
    let mut records = Vec::new();
    while let Some((head, after)) = rest.split_at_checked(3) {
        let key = usize::from(head[0]).min(after.len());
        let (key, after) = after.split_at(key);
        let value = usize::from(u16::from_le_bytes([head[1], head[2]])).min(after.len());
        let (value, after) = after.split_at(value);
        records.push((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)));
        rest = after;
    }
    records
}

/// The spelling that [`records`] reads.
pub(super) fn spell<'a>(records: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut out = Vec::new();
    for (key, value) in records {
        out.push(key.len() as u8);
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

fn deriver_records(input: &[u8]) {
    let world = seeds::empty_world();
    let loaded = Deriver::load(
        Arc::clone(&world.rules),
        world.codec,
        world.genesis,
        world.genesis_time,
        records(input),
    );
    let mut deriver = match loaded {
        Ok(deriver) => deriver,
        Err(error) => return coded(&error),
    };
    let _ = (deriver.poll(), deriver.finalized(), deriver.state().hash());
    // A store's damage may make the records contradict each other, which is
    // an error at the latest when they are used.
    let first = deriver.final_below();
    for ordinal in [deriver.state().next_ordinal(), first, DaOrdinal(0)] {
        match deriver.rollback(ordinal) {
            Ok(_) => {
                let _ = (deriver.poll(), deriver.state().hash());
            }
            Err(error) => coded(&error),
        }
    }
}

fn record_seeds(kinds: &[u8]) -> Vec<Seed> {
    seeds::worlds()
        .iter()
        .map(|(name, world)| {
            let records = world.records();
            let wanted = records.iter().filter(|(key, _)| {
                key.strip_prefix(RECORD_PREFIX)
                    .and_then(|rest| rest.first())
                    .is_some_and(|kind| kinds.contains(kind))
            });
            Seed::new(
                *name,
                spell(wanted.map(|(key, value)| (&key[..], &value[..]))),
            )
        })
        .collect()
}

fn settings() -> BatcherSettings {
    BatcherSettings {
        signer: world::key(1).address(),
        codec: CodecId::NONE,
        term: 0,
        max_blob_bytes: 1_000,
        max_unit_bytes: 2_000,
        target_bytes: 4_000,
        max_age_ms: 1_000,
        max_in_flight: 2,
        margin: 1,
    }
}

#[derive(Arbitrary)]
struct Following {
    finalized: u64,
    observed: u64,
    now_ms: u64,
    rewind_to: u8,
    flush: bool,
}

fn batcher_records(input: &[u8]) {
    let mut source = Unstructured::new(input);
    let Ok(following) = Following::arbitrary(&mut source) else {
        return;
    };
    let world = seeds::empty_world();
    let genesis = DeriverState::genesis(world.genesis, world.genesis_time);
    let records = records(source.take_rest());
    let loaded = Batcher::load(Arc::clone(&world.rules), settings(), &genesis, records);
    let mut batcher = match loaded {
        Ok(batcher) => batcher,
        Err(error) => return coded(&error),
    };
    let signer = world::key(1);
    for (_, node) in seeds::worlds() {
        let _ = batcher.follow(node.state(), following.finalized);
        let observed = DaOrdinal(following.observed);
        let sealed = batcher.seal(
            &world.codec,
            &signer,
            following.now_ms,
            observed,
            following.flush,
        );
        if let Err(error) = sealed {
            coded(&error);
        }
        let _ = (batcher.units().count(), batcher.backlog(), batcher.tip());
        let _ = batcher.batches().map(|facts| facts.bytes).sum::<u64>();
        let keep = rollwright_core::BlockRef {
            number: u64::from(following.rewind_to),
            ..node.head()
        };
        let tip = batcher.rewind(keep);
        assert_eq!(tip, batcher.tip());
    }
}

fn batcher_seeds() -> Vec<Seed> {
    let mut head = vec![0; 26];
    head[25] = 1;
    seeds::batcher_records(settings())
        .into_iter()
        .map(|(name, records)| {
            let spelled = spell(records.iter().map(|(key, value)| (&key[..], &value[..])));
            Seed::new(name, [head.clone(), spelled].concat())
        })
        .collect()
}
