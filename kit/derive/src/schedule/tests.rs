use super::*;
use crate::{DevChain, RollupConfig};
use alloc::vec::Vec;
use alloy_primitives::B256;
use rollwright_core::DaHeight;

fn rules(block_time_ms: u64) -> Rules {
    let config = RollupConfig::dev(DevChain {
        block_time_ms,
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    Rules::new(B256::repeat_byte(1), B256::ZERO, config, Vec::new()).unwrap()
}

fn parent(origin: u64, timestamp: u64) -> Position {
    Position {
        block: BlockRef {
            number: 9,
            hash: B256::repeat_byte(9),
        },
        timestamp,
        origin: DaOrdinal(origin),
        on_origin: 3,
    }
}

#[test]
fn timestamps_rise_and_stay_near_their_origin() {
    let rules = rules(1_000);
    let drift = rules.at(DaOrdinal(0)).timing.drift_seconds;
    let at = |parent: u64| rules.timestamps(&self::parent(5, parent), DaOrdinal(5), 1_000);
    assert_eq!(at(900), 1_000..=1_000 + drift);
    assert_eq!(at(1_000), 1_001..=1_000 + drift);
    assert!(
        at(1_000 + drift).is_empty(),
        "the sequencer waits for another origin"
    );
}

#[test]
fn a_chain_with_blocks_below_a_second_may_repeat_a_timestamp() {
    let place = |block_time_ms| {
        rules(block_time_ms).check_place(&parent(5, 1_004), DaOrdinal(5), 1_000, 1_004)
    };
    assert!(matches!(
        place(1_000),
        Err(PlaceError::TimeLow { least: 1_005, .. })
    ));
    let position = place(250).unwrap();
    assert_eq!((position.on_origin, position.block.number), (4, 10));
}

#[test]
fn blocks_are_counted_anew_on_each_origin() {
    let position = rules(1_000)
        .check_place(&parent(5, 1_004), DaOrdinal(6), 1_002, 1_005)
        .unwrap();
    assert_eq!(position.on_origin, 1);
    let back = rules(1_000).check_place(&parent(5, 1_004), DaOrdinal(4), 1_002, 1_005);
    assert!(matches!(back, Err(PlaceError::OriginBack { .. })));
}

#[test]
fn origins_are_reached_in_steps() {
    let rules = rules(1_000);
    let step = rules.at(DaOrdinal(0)).timing.max_step;
    let parent = parent(5, 0);
    assert_eq!(rules.next_origin(&parent, DaOrdinal(4)), None);
    assert_eq!(rules.next_origin(&parent, DaOrdinal(7)), Some(DaOrdinal(7)));
    let far = rules.next_origin(&parent, DaOrdinal(500));
    assert_eq!(far, Some(DaOrdinal(5 + step)));
}

#[test]
fn an_idle_chain_is_kept_alive_well_inside_its_window() {
    let rules = rules(1_000);
    let timing = rules.at(DaOrdinal(0)).timing;
    let due = |observed| rules.keep_alive_due(&parent(5, 0), DaOrdinal(observed));
    assert!(!due(5 + timing.max_step - 1));
    assert!(due(5 + timing.max_step));
    assert_eq!(rules.deadline(DaOrdinal(5)), DaOrdinal(5 + timing.window));
    assert!(timing.max_step < timing.window / 2);
}

#[test]
fn heights_and_ordinals_of_the_first_epoch_agree() {
    let mut config = rules(1_000).config().clone();
    config.da.start_height = DaHeight(40);
    let rules = Rules::new(B256::ZERO, B256::ZERO, config, Vec::new()).unwrap();
    let state = DeriverState::genesis(BlockRef::default(), 0);
    let ordinal_of = |epoch, height| state.ordinal_of(&rules, epoch, DaHeight(height));
    assert_eq!(ordinal_of(0, 39), None);
    assert_eq!(ordinal_of(0, 42), Some(DaOrdinal(2)));
    assert_eq!(ordinal_of(1, 42), None, "it has not begun");
    assert_eq!(state.height_of(&rules, DaOrdinal(2)), Some(DaHeight(42)));
}
