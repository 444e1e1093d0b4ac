use super::*;
use crate::{
    engine::EvmEngine,
    machine::{EvmMachine, witness::WitnessState},
};
use rollwright_core::{
    BlockInput, BlockRef, Bytes, ErrorKind, ExecutionWitness, Header, LayerError, StateMachine,
};

fn stateless(
    engine: &EvmEngine,
    input: &BlockInput,
    witness: &ExecutionWitness,
) -> Result<Header, String> {
    let parent = header(engine, &input.parent);
    let mut state = WitnessState::new(witness, &parent).map_err(|error| error.to_string())?;
    EvmMachine::apply(engine.chain_config(), &parent, &mut state, input)
        .map(|applied| applied.header)
        .map_err(|error| error.to_string())
}

/// A witness must give the block's header, and every part of it be needed, but
/// for the siblings that an executor needs which deletes slots before it writes
/// others: at most one for each of `deletions`.
fn assert_exact(engine: &EvmEngine, block: &BlockRef, deletions: usize) {
    let input = engine.input_of(block).expect("an input");
    let witness = engine.witness_of(block).expect("a witness");
    let sealed = stateless(engine, &input, &witness).expect("suffices");
    assert_eq!(sealed.hash_slow(), block.hash);
    let needless = (0..witness.state.len()).filter(|at| {
        let mut less = witness.clone();
        less.state.remove(*at);
        stateless(engine, &input, &less).is_ok()
    });
    assert!(needless.count() <= deletions);
    for at in 0..witness.codes.len() {
        let mut less = witness.clone();
        less.codes.remove(at);
        assert!(
            stateless(engine, &input, &less).is_err(),
            "code {at} is not needed"
        );
    }
}

#[test]
fn the_input_of_a_block_is_what_made_it() {
    let engine = engine();
    let built = extend(&engine, vec![nth(0), nth(1)]);
    let input = engine.input_of(&built.executed.block).expect("an input");
    let expected = BlockInput {
        // Decides nothing where nothing is forced, and is not kept.
        forced_budget: Default::default(),
        ..built.input
    };
    assert_eq!(input, expected);
}

#[test]
fn witnesses_of_writes_deletions_and_creations_are_exact() {
    let engine = engine();
    let blocks: Vec<_> = (0..5)
        .map(|n| {
            extend(&engine, (4 * n..4 * n + 4).map(nth).collect())
                .executed
                .block
        })
        .collect();
    // Transactions 0, 8 and 16 delete a slot.
    for (block, deletions) in blocks.iter().zip([1, 0, 1, 0, 1]) {
        assert_exact(&engine, block, deletions);
    }
}

#[test]
fn the_witness_of_a_block_with_skipped_forced_entries_is_exact() {
    let kv = memory();
    let engine = EvmEngine::open(over(&kv, 0)).expect("opens");
    let genesis = engine.init().expect("genesis");
    let mut attributes = attributes(&header(&engine, &genesis));
    attributes.forced = vec![
        forced(0, Bytes::from_static(b"garbage")),
        forced(1, nth(3)),
        forced(2, nth(0)),
        forced(3, sign(fields(0), key(5))),
    ];
    let built = extend_with(&engine, attributes, vec![nth(1)]);
    assert_eq!(
        engine.input_of(&built.executed.block).expect("an input"),
        built.input
    );
    assert_exact(&engine, &built.executed.block, 1);
    // After a restart too.
    drop(engine);
    let engine = EvmEngine::open(over(&kv, 0)).expect("opens");
    assert_eq!(
        engine.input_of(&built.executed.block).expect("an input"),
        built.input
    );
    assert_exact(&engine, &built.executed.block, 1);
}

#[test]
fn only_canonical_blocks_that_were_made_have_an_input() {
    let engine = engine();
    let genesis = engine.heads().expect("heads").latest;
    let error = engine.input_of(&genesis).expect_err("genesis");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let unknown = BlockRef {
        number: 1,
        ..genesis
    };
    assert_eq!(
        engine.witness_of(&unknown).expect_err("unknown").kind(),
        ErrorKind::Rejected
    );
}
