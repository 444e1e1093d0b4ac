use super::{World, key};
use alloy_primitives::Bytes;
use rollwright_core::{BlobRef, DaOrdinal, PostingUnit, RecordChange};
use rollwright_derive::*;
use std::{collections::BTreeMap, sync::Arc};

pub(crate) fn settings() -> BatcherSettings {
    BatcherSettings {
        signer: key(1).address(),
        codec: CodecId::NONE,
        term: 0,
        max_blob_bytes: 400,
        max_unit_bytes: 1_000,
        target_bytes: 4_000,
        max_age_ms: 1_000,
        max_in_flight: 3,
        margin: 2,
    }
}

/// A sequencer process: batcher, its durable records, and what it posted.
pub(crate) struct Poster {
    pub(crate) batcher: Batcher,
    pub(crate) records: BTreeMap<Bytes, Bytes>,
    pub(crate) events: Vec<BatcherEvent>,
}

/// A world of three DA blocks, and a sequencer on it.
pub(crate) fn started() -> (World, Poster) {
    let world = World::after(3);
    let poster = Poster::new(&world);
    (world, poster)
}

impl Poster {
    pub(crate) fn new(world: &World) -> Self {
        Self {
            batcher: Batcher::new(Arc::clone(&world.rules), settings(), world.deriver.state()),
            records: BTreeMap::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn store(&mut self) {
        for RecordChange { key, value } in self.batcher.take_changes() {
            match value {
                Some(value) => self.records.insert(key, value),
                None => self.records.remove(&key),
            };
        }
    }

    pub(crate) fn restart(&mut self, world: &World) {
        self.batcher = Batcher::load(
            Arc::clone(&world.rules),
            settings(),
            world.deriver.state(),
            self.records.clone(),
        )
        .unwrap();
        self.supply();
    }

    /// Reads back what the batcher has not in memory.
    pub(crate) fn supply(&mut self) {
        let wanted: Vec<_> = self.batcher.wanted().collect();
        for (number, key) in wanted {
            self.batcher.supply(number, self.records.get(&key)).unwrap();
        }
    }

    pub(crate) fn seal(&mut self, world: &World, now_ms: u64) -> Sealed {
        let observed = DaOrdinal(world.ordinal().0 - 1);
        let codec = rollwright_derive::Derivable::codec(&world.engine);
        let sealed = self
            .batcher
            .seal(&codec, &key(1), now_ms, observed, false)
            .unwrap();
        self.store();
        sealed
    }

    pub(crate) fn follow(&mut self, world: &World) -> Vec<BatcherEvent> {
        let finalized = world.deriver.finalized().number;
        let events = self.batcher.follow(world.deriver.state(), finalized);
        assert!(
            self.batcher
                .follow(world.deriver.state(), finalized)
                .is_empty(),
            "idempotent"
        );
        self.store();
        self.supply();
        self.events.extend(events.clone());
        events
    }

    pub(crate) fn unincluded(&self) -> Vec<PostingUnit> {
        self.batcher
            .units()
            .filter(|unit| unit.included.is_empty())
            .map(|unit| unit.unit.clone())
            .collect()
    }

    /// Posts all units that stand nowhere, in one DA block.
    pub(crate) fn post(&mut self, world: &mut World) {
        let units = self.unincluded();
        let blobs = units
            .iter()
            .flat_map(|unit| &unit.blobs)
            .map(|blob| blob.data.clone());
        world.mine_unread(blobs.collect());
        let mut posted = world
            .da
            .last()
            .unwrap()
            .blobs
            .iter()
            .map(|blob| blob.reference);
        for unit in units {
            let refs: Vec<BlobRef> = posted.by_ref().take(unit.blobs.len()).collect();
            self.batcher.included(unit.id, &refs);
        }
        world.read();
    }
}

pub(crate) fn push(
    world: &mut World,
    poster: &mut Poster,
    origin: u64,
    transactions: Vec<Bytes>,
) -> QueuedBlock {
    let block = world.preconfirm(origin, transactions);
    poster.batcher.push(block.clone()).unwrap();
    block
}
