//! A run that a test directs.

#![allow(dead_code, reason = "each scenario uses some of it")]

use alloy_primitives::Bytes;
use rollwright_core::{BlockId, BlockRecord, ChainStore, NodeApi, NodeStatus};
use rollwright_derive::{Amendment, QueuedBlock, RollupConfig};
use rollwright_sim::{
    Forger, Plan, SpellKind, Violation, What, World, in_virtual_time,
    machine::{Chain, EvmChain, MemoryChain},
    small,
};

pub(crate) type Ledger = World<MemoryChain>;
pub(crate) type Ethereum = World<EvmChain>;

/// Plays a script; then all faults end, everything has to go on, and every
/// invariant is looked at. Returns the world as it was left.
pub(crate) fn play<C: Chain>(
    plan: Plan,
    script: impl AsyncFnOnce(&mut World<C>) -> Result<(), Violation>,
) -> World<C> {
    let config = small::<C>(plan.block_ms);
    play_with(plan, &config, Vec::new(), script)
}

/// The same over a configuration of its own.
pub(crate) fn play_with<C: Chain>(
    plan: Plan,
    config: &RollupConfig,
    amendments: Vec<Amendment>,
    script: impl AsyncFnOnce(&mut World<C>) -> Result<(), Violation>,
) -> World<C> {
    in_virtual_time(|| async {
        let mut world = World::<C>::with(plan, config, amendments);
        let mut result = script(&mut world).await;
        if result.is_ok() {
            result = world.settle().await;
        }
        if let Err(violation) = result {
            let lines = world.around.trace.lines();
            let tail = lines.len().saturating_sub(60);
            panic!("{violation}\n{}", lines[tail..].join("\n"));
        }
        world
    })
}

/// The sequencer's status; it has to be up.
pub(crate) fn status<C: Chain>(world: &World<C>) -> NodeStatus {
    world.handle(0).expect("the sequencer is up").status()
}

/// Number of the sequencer's latest block.
pub(crate) fn latest<C: Chain>(world: &World<C>) -> u64 {
    status(world).heads.latest.number
}

/// A block of the derived chain.
pub(crate) fn derived<C: Chain>(world: &World<C>, number: u64) -> BlockRecord {
    let block = world.judge.engine.block(BlockId::Number(number));
    block.expect("it reads").expect("it is derived")
}

/// All blocks of the derived chain.
pub(crate) fn all_derived<C: Chain>(world: &World<C>) -> Vec<BlockRecord> {
    let head = world.judge.head().number;
    (1..=head).map(|number| derived(world, number)).collect()
}

/// The sequencer is down for so long, and what it had posted has landed.
pub(crate) async fn silence<C: Chain>(world: &mut World<C>, ms: u64) -> Result<(), Violation> {
    world.kill(0, ms);
    world.pass(3_000).await
}

/// A spell for everybody.
pub(crate) fn weather<C: Chain>(world: &mut World<C>, for_ms: u64, kind: SpellKind) {
    let node = None;
    world.now(What::Weather { node, for_ms, kind });
}

/// Makes blobs by the sequencer's key, and posts them.
pub(crate) fn forge<C: Chain, T>(
    world: &World<C>,
    make: impl FnOnce(&mut Forger<'_, C>) -> (Vec<Bytes>, T),
) -> T {
    let mut forger = Forger::new(&world.judge);
    let (blobs, more) = make(&mut forger);
    assert!(!blobs.is_empty());
    world.post_all(blobs);
    more
}

/// An origin that the next block may have.
pub(crate) fn origin<C: Chain>(forger: &Forger<'_, C>) -> u64 {
    forger.newest().min(forger.tip.origin.0 + 5)
}

/// An empty block on the newest origin that the rules allow.
pub(crate) fn empty_block<C: Chain>(forger: &mut Forger<'_, C>) -> QueuedBlock {
    let origin = origin(forger);
    forger.block(origin, Vec::new()).expect("it is valid")
}

/// Posts transactions to the forced lane.
pub(crate) fn force<C: Chain>(world: &World<C>, transactions: &[Bytes]) {
    let blob = Forger::new(&world.judge).forced(transactions);
    world.post(blob);
}

/// The blobs of the newest DA block.
pub(crate) fn newest_blobs<C: Chain>(world: &World<C>) -> Vec<Bytes> {
    let block = world
        .around
        .layer
        .read(|layer| layer.archived(layer.height()));
    let blobs = block.into_iter().flat_map(|block| block.blobs);
    blobs.map(|blob| blob.data).collect()
}
