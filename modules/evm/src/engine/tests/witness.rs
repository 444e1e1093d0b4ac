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

/// Makes blocks with a forced entry each; all but the last two are final.
fn forced_chain(engine: &EvmEngine, blocks: u64) -> Vec<BlockRef> {
    let mut line = vec![engine.heads().expect("heads").latest];
    for _ in 0..blocks {
        let mut attributes = attributes(&header(engine, line.last().expect("a block")));
        attributes.forced = vec![forced(0, Bytes::from_static(b"garbage"))];
        line.push(extend_with(engine, attributes, Vec::new()).executed.block);
        let latest = *line.last().expect("a block");
        let settled = line[line.len().saturating_sub(3)];
        let heads = rollwright_core::Heads {
            latest,
            safe: settled,
            finalized: settled,
        };
        engine.commit(&heads, &[]).expect("commits");
    }
    line
}

fn forced_rows(engine: &EvmEngine) -> usize {
    let prefix = b"\0evm/forced/";
    let rows = engine.store().records(prefix, prefix, usize::MAX);
    rows.expect("reads").len()
}

#[test]
fn forced_entries_are_kept_as_long_as_the_state_that_they_are_executed_on() {
    let kv = memory();
    let mut config = over(&kv, 0);
    config.store.history = crate::store::History::Last(5);
    let engine = EvmEngine::open(config.clone()).expect("opens");
    engine.init().expect("genesis");
    let line = forced_chain(&engine, 40);
    assert!(forced_rows(&engine) <= 8, "{}", forced_rows(&engine));
    let recent = line[line.len() - 3];
    assert_exact(&engine, &recent, 0);
    assert_eq!(
        engine.input_of(&line[4]).expect_err("pruned").kind(),
        ErrorKind::Pruned
    );
    // An archive keeps all of them, and a restart changes nothing.
    drop(engine);
    let engine = EvmEngine::open(config).expect("opens");
    assert_exact(&engine, &recent, 0);
    let archive = EvmEngine::open(over(&memory(), 0)).expect("opens");
    archive.init().expect("genesis");
    let line = forced_chain(&archive, 40);
    assert_eq!(forced_rows(&archive), 40);
    assert_exact(&archive, &line[3], 0);
}

#[test]
fn forced_entries_of_blocks_that_left_the_chain_are_removed_in_the_end() {
    let kv = memory();
    let mut config = over(&kv, 0);
    config.store.history = crate::store::History::Last(5);
    let engine = EvmEngine::open(config).expect("opens");
    let genesis = engine.init().expect("genesis");
    for byte in 1..=5 {
        // Five blocks for one place, one after the other.
        let mut attributes = attributes(&header(&engine, &genesis));
        attributes.fee_recipient = rollwright_core::Address::repeat_byte(byte);
        attributes.forced = vec![forced(0, Bytes::from_static(b"garbage"))];
        extend_with(&engine, attributes, Vec::new());
        let heads = rollwright_core::Heads::all(genesis);
        engine.commit(&heads, &[]).expect("rolls back");
    }
    assert_eq!(forced_rows(&engine), 5);
    forced_chain(&engine, 40);
    assert!(forced_rows(&engine) <= 8, "{}", forced_rows(&engine));
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
