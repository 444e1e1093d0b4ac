//! Derivers and batchers in the middle of their work.

use crate::world::{self, World};
use alloy_primitives::{Address, B256, Bytes};
use rollwright_core::{BlockRef, ChainStore as _, memory::MemoryTx};
use rollwright_derive::{
    Batcher, BatcherSettings, Derivable as _, DeriverState, MemoryCodec, PartClaim, RECORD_PREFIX,
    Rules,
};
use std::sync::{Arc, OnceLock};

/// A chain at genesis.
#[derive(Debug)]
pub(crate) struct Empty {
    pub(crate) rules: Arc<Rules>,
    pub(crate) codec: MemoryCodec,
    pub(crate) genesis: BlockRef,
    pub(crate) genesis_time: u64,
}

/// The chain of all worlds.
pub(crate) fn empty_world() -> &'static Empty {
    static EMPTY: OnceLock<Empty> = OnceLock::new();
    EMPTY.get_or_init(|| {
        let world = World::new();
        Empty {
            rules: Arc::clone(&world.rules),
            codec: world.engine.codec(),
            genesis: world.head(),
            genesis_time: world.engine.genesis_time(),
        }
    })
}

/// What is looked at of a node.
#[derive(Debug)]
pub(crate) struct Node {
    state: DeriverState,
    records: Vec<(Bytes, Bytes)>,
}

impl Node {
    pub(crate) const fn state(&self) -> &DeriverState {
        &self.state
    }

    pub(crate) fn head(&self) -> BlockRef {
        self.state.head().block
    }

    /// The records of derivation.
    pub(crate) fn records(&self) -> &[(Bytes, Bytes)] {
        &self.records
    }
}

impl From<World> for Node {
    fn from(world: World) -> Self {
        let records = world.engine.records(RECORD_PREFIX, &[], usize::MAX);
        Self {
            state: world.state().clone(),
            records: records.expect("records"),
        }
    }
}

/// Nodes whose states have rows of every kind between them.
pub(crate) fn worlds() -> &'static [(&'static str, Node)] {
    static WORLDS: OnceLock<Vec<(&'static str, Node)>> = OnceLock::new();
    WORLDS.get_or_init(|| {
        vec![
            ("genesis", World::new().into()),
            ("parts-and-forced", waiting().into()),
            ("applied", applied().into()),
        ]
    })
}

/// A batch without its last part, and forced transactions not yet due.
fn waiting() -> World {
    let mut world = World::new();
    let envelope = world.next_envelope(2);
    let mut blobs = world.parts(&envelope, 0, 3);
    blobs.pop();
    let transfer = |from: u8| {
        let (from, to) = (Address::repeat_byte(from), Address::repeat_byte(0x55));
        MemoryTx::transfer(from, 0, to, 1).encode()
    };
    blobs.push(world.forced(&[transfer(1), transfer(2)]));
    let claim = PartClaim {
        key_entry: rollwright_core::DaOrdinal(0),
        attempt: 1,
        number: 1,
        batch_id: B256::repeat_byte(3),
        index: 0,
        count: 1,
        total_len: 4,
    };
    blobs.push(world.sign(&world::key(2), claim, Bytes::from_static(b"four")));
    world.mine(2, blobs);
    world
}

fn applied() -> World {
    let mut world = World::new();
    for _ in 0..2 {
        let envelope = world.next_envelope(1);
        world.mine(2, world.parts(&envelope, 0, 1));
    }
    world
}

/// Records of a batcher that has sealed, and of a new one.
pub(crate) fn batcher_records(
    settings: BatcherSettings,
) -> Vec<(&'static str, Vec<(Bytes, Bytes)>)> {
    let mut world = World::new();
    world.mine(2, Vec::new());
    world.mine(2, Vec::new());
    world.resync();
    let mut batcher = Batcher::new(Arc::clone(&world.rules), settings, world.state());
    let mut sealed = Vec::new();
    for block in world.preconfirmed(3) {
        batcher.push(block).expect("it follows");
        let newest = rollwright_core::DaOrdinal(world.ordinal() - 1);
        let codec = world.engine.codec();
        let result = batcher.seal(&codec, &world::key(1), 0, newest, true);
        result.expect("seals");
        let changes = batcher.take_changes().into_iter();
        sealed.extend(changes.filter_map(|change| Some((change.key, change.value?))));
    }
    vec![("new", Vec::new()), ("sealed", sealed)]
}
