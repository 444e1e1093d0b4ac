//! Origins: window, step, time, how many blocks on one.

mod common;
use common::*;
use rollwright_core::DaOrdinal;
use rollwright_derive::*;

#[test]
fn origins_obey_window_step_and_time() {
    let mut world = World::after(12);
    let good = world.preconfirm(1, vec![]);
    let place = |change: &dyn Fn(&mut BatchBlock)| {
        let mut block = good.clone();
        change(&mut block.inputs);
        let mut envelope = world.envelope(std::slice::from_ref(&block));
        let header = world.deriver.state().origin(block.inputs.origin).unwrap();
        envelope.last_origin = world.rules.point(block.inputs.origin, header);
        let mut node = world.fresh_node();
        node.read();
        let blobs = node.parts(&envelope.encode(), 1);
        node.mine(blobs);
        node.drops()
    };
    assert_eq!(place(&|_| {}), []);
    let step = place(&|block| {
        block.origin = DaOrdinal(6);
        block.timestamp = DA_TIME + 12;
    });
    assert!(
        matches!(
            step[..],
            [DropReason::Place {
                error: PlaceError::OriginStep { max_step: 5, .. },
                ..
            }]
        ),
        "{step:?}"
    );
    let low = place(&|block| block.timestamp = DA_TIME + 1);
    assert!(matches!(
        low[..],
        [DropReason::Place {
            error: PlaceError::TimeLow { .. },
            ..
        }]
    ));
    let high = place(&|block| block.timestamp = DA_TIME + 2 + 61);
    assert!(matches!(
        high[..],
        [DropReason::Place {
            error: PlaceError::TimeHigh { .. },
            ..
        }]
    ));
}

#[test]
fn an_empty_block_flood_ends_at_the_origins_bound() {
    let mut world = World::after(2);
    let blocks: Vec<QueuedBlock> = (0..16).map(|_| world.preconfirm(1, vec![])).collect();
    let mut flood = blocks.clone();
    let mut extra = blocks[15].clone();
    extra.inputs.timestamp += 1;
    flood.push(extra);
    let envelope = world.envelope(&flood).encode();
    world.mine(world.parts(&envelope, 1));
    assert!(matches!(
        world.drops()[..],
        [DropReason::Place {
            index: 16,
            error: PlaceError::OriginFull { max: 16, .. }
        }]
    ));
    let envelope = world.seal(&blocks);
    world.mine(world.parts(&envelope, 1));
    assert_eq!(
        world.head(),
        world.tip.block,
        "as many as the bound are fine"
    );
}

#[test]
fn a_batch_is_valid_up_to_the_last_ordinal_of_its_window() {
    for (wait, lands) in [(20u64, true), (21, false)] {
        let mut world = World::after(2);
        let blob = world.one_block_batch(1, vec![]);
        // Ordinal of application: 1 + wait.
        world.mine_empty((1 + wait - 2) as usize);
        assert_eq!(world.ordinal(), DaOrdinal(1 + wait));
        world.mine(vec![blob]);
        assert_eq!(world.applied().len(), usize::from(lands), "after {wait}");
    }
}

#[test]
fn an_origin_that_vanishes_rejects_the_batch() {
    let mut world = World::after(4);
    let blob = world.one_block_batch(3, vec![]);
    world.reorganise(3);
    world.mine_empty(2);
    world.mine(vec![blob]);
    assert_eq!(world.drops(), [DropReason::Origin]);
    assert_eq!(world.head().number, 0);
}
