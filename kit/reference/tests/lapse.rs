//! The smallest histories: DA blocks without blobs.

use rollwright_core::{
    DaBlock, DaHeader, DaHeight, Execution as _, Proof, memory::MemoryExecution,
};
use rollwright_derive::{Derivable as _, DevChain, RollupConfig, memory_genesis};
use rollwright_reference::{
    Blocking, Chain, Event, History, MemoryPayloads, compare, derive, drive, now,
};

fn empty_blocks(count: u64) -> History {
    let mut history = History::default();
    let mut parent_hash = rollwright_core::B256::ZERO;
    for height in 0..count {
        let mut hash = rollwright_core::B256::repeat_byte(7);
        hash.0[..8].copy_from_slice(&height.to_be_bytes());
        let header = DaHeader {
            height: DaHeight(height),
            hash,
            parent_hash,
            time: 1_700_000_000 + height,
            data_root: hash,
        };
        parent_hash = hash;
        history.blocks.push(DaBlock {
            header,
            blobs: Vec::new(),
            completeness: Proof::default(),
        });
    }
    history
}

#[test]
fn a_silent_sequencer_is_replaced_at_the_same_blocks_by_both_derivers() {
    let mut config = RollupConfig::dev(DevChain {
        sequencer: rollwright_core::Address::repeat_byte(1),
        fee_vault: rollwright_core::Address::repeat_byte(2),
        ..DevChain::default()
    });
    config.timing.window = 40;
    config.timing.part_timeout = 10;
    let engine = MemoryExecution::new(memory_genesis(&config));
    let chain = Chain {
        genesis: now(engine.genesis()).unwrap(),
        genesis_time: engine.genesis_time(),
        digest: engine.config_digest(),
        config,
        amendments: Vec::new(),
    };
    let payloads = MemoryPayloads { chain_id: 1_337 };
    let history = empty_blocks(70);
    let mut executor = Blocking(engine.clone());
    let reference = derive(&chain, &payloads, &history, &mut executor).unwrap();
    let made: Vec<usize> = (0..70)
        .filter(|at| {
            let events = &reference.steps[*at].events;
            events
                .iter()
                .any(|event| matches!(event, Event::Block { .. }))
        })
        .collect();
    assert_eq!(made, [41, 51, 61]);
    let real = drive(&chain, engine.codec(), &history, &mut executor).unwrap();
    assert_eq!(compare(&reference, &real.driven, None), None);
}
