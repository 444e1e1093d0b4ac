use super::*;
use crate::{
    engine::{EvmConfig, EvmEngine, TransactionList},
    machine::{CallRequest, CallResult, Overrides},
};
use alloy_primitives::U256;
use rollwright_core::{
    Address, B256, BlockId, Bytes, CandidateOutcome, ChainStore, ExecuteOutcome, ForcedOutcome,
    Heads, RecordChange,
};
use rollwright_derive::Derivable;

#[test]
fn a_chain_is_built_and_read_without_a_runtime() {
    let engine = engine();
    let built = extend(&engine, (0..6).map(nth).collect());
    assert_eq!(built.executed.transactions, 6);
    assert_eq!(engine.heads().expect("heads").latest, built.executed.block);
    let state = engine
        .store()
        .state_at(&built.executed.block)
        .expect("a state");
    // Transaction 4 wrote 4 to slot 1, transaction 2 wrote 2 to slot 2.
    for (slot, value) in [(1u64, 4u64), (2, 2)] {
        let slot = B256::from(U256::from(slot));
        assert_eq!(state.slot(WRITER, slot).expect("a slot"), U256::from(value));
    }
    let fee_recipient = Address::repeat_byte(0xfe);
    let fees = state
        .account(fee_recipient)
        .expect("reads")
        .expect("paid")
        .balance;
    assert!(fees > U256::ZERO);
}

#[test]
fn calls_and_estimates_see_the_state_of_their_block() {
    let engine = engine();
    let genesis = engine.heads().expect("heads").latest;
    let block = extend(&engine, vec![nth(0), nth(1)]).executed.block;
    let receiver = Address::from_word(rollwright_core::keccak256(1u64.to_be_bytes()));
    let request = CallRequest {
        from: receiver,
        to: Some(Address::repeat_byte(2)),
        value: U256::from(1),
        ..CallRequest::default()
    };
    let overrides = Overrides::default();
    let call = |at| engine.call(at, &request, &overrides).expect("an engine");
    assert!(matches!(
        call(&block).expect("a call").result,
        CallResult::Success { .. }
    ));
    assert!(call(&genesis).is_err(), "nothing to send before the block");
    let gas = engine
        .estimate_gas(&block, &request, &overrides)
        .expect("an engine");
    assert_eq!(gas.expect("an estimate"), 21_000);
}

#[test]
fn executing_elsewhere_what_was_built_here_gives_the_same_chain() {
    let (one, other) = (engine(), engine());
    for round in 0..4 {
        let built = extend(&one, (3 * round..3 * round + 3).map(nth).collect());
        let outcome = other.execute_block(&built.input).expect("executes");
        assert_eq!(outcome, ExecuteOutcome::Valid(built.executed.clone()));
        other
            .commit(&Heads::all(built.executed.block), &[])
            .expect("commits");
        // Known by its input: answered, not executed.
        assert_eq!(other.execute_block(&built.input).expect("answers"), outcome);
    }
    assert_eq!(
        one.heads().expect("heads").latest,
        other.heads().expect("heads").latest
    );
}

#[test]
fn forced_outcomes_are_answered_again_for_a_known_input() {
    let engine = engine();
    let parent = engine.heads().expect("heads").latest;
    let mut attributes = attributes(&header(&engine, &parent));
    attributes.forced = vec![
        forced(0, Bytes::from_static(b"garbage")),
        forced(1, nth(0)),
        forced(2, nth(0)),
        forced(3, nth(1)),
    ];
    attributes.forced_budget.validations = 3;
    let mut offered = TransactionList::new([nth(0), nth(1)]);
    let built = engine
        .build_block(&parent, attributes, &mut offered)
        .expect("a block");
    let outcomes = &built.executed.forced;
    assert!(matches!(outcomes[0], ForcedOutcome::Skipped { .. }));
    assert!(matches!(outcomes[1], ForcedOutcome::Included { .. }));
    assert!(matches!(outcomes[2], ForcedOutcome::Skipped { .. }));
    assert_eq!(outcomes[3], ForcedOutcome::Waits);
    assert!(matches!(
        offered.outcomes()[0].1,
        CandidateOutcome::Invalid(_)
    ));
    assert_eq!(offered.outcomes()[1].1, CandidateOutcome::Included);
    let again = engine.execute_block(&built.input).expect("answers");
    assert_eq!(again, ExecuteOutcome::Valid(built.executed.clone()));
    let record = ChainStore::block(&engine, BlockId::Hash(built.executed.block.hash));
    let record = record.expect("reads").expect("known");
    assert_eq!(record.forced_included, [nth(0)]);
    assert_eq!(record.transactions, [nth(1)]);
    assert_eq!(
        record.forced.len(),
        3,
        "the entry that waits was not looked at"
    );
}

#[test]
fn blocks_state_and_records_outlive_a_killed_process() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let open = || EvmEngine::open(EvmConfig::at(chain(0), directory.path())).expect("opens");
    let engine = open();
    engine.init().expect("genesis");
    let mut blocks = Vec::new();
    for n in 0..5 {
        blocks.push(extend(&engine, vec![nth(2 * n), nth(2 * n + 1)]));
    }
    let heads = engine.heads().expect("heads");
    engine
        .commit(
            &heads,
            &[RecordChange::put(b"cursor".to_vec(), b"5".to_vec())],
        )
        .expect("commits");
    // Built, and never made the head.
    let parent = heads.latest;
    let attributes = attributes(&header(&engine, &parent));
    let orphan = engine
        .build_block(&parent, attributes, &mut TransactionList::new([nth(10)]))
        .expect("a block");
    drop(engine);
    let engine = open();
    assert_eq!(engine.heads().expect("heads"), heads);
    assert_eq!(
        engine.record(b"cursor").expect("reads").as_ref(),
        Some(&Bytes::from_static(b"5"))
    );
    let lost = ChainStore::block(&engine, BlockId::Hash(orphan.executed.block.hash));
    assert_eq!(lost.expect("reads"), None);
    for built in &blocks {
        let outcome = engine.execute_block(&built.input).expect("answers");
        assert_eq!(outcome, ExecuteOutcome::Valid(built.executed.clone()));
    }
    assert_eq!(extend(&engine, vec![nth(10)]).executed, orphan.executed);
}

#[test]
fn a_reorganisation_between_forks_moves_state_and_indexes() {
    let engine = engine();
    let base = extend(&engine, vec![nth(0)]).executed.block;
    let left = [
        extend(&engine, vec![nth(1)]),
        extend(&engine, vec![nth(2), nth(3)]),
    ];
    // The other fork has the same transactions in one block, later.
    let mut attributes = attributes(&header(&engine, &base));
    attributes.timestamp += 7;
    let right = engine
        .build_block(
            &base,
            attributes,
            &mut TransactionList::new((1..5).map(nth)),
        )
        .expect("a block");
    let mut heads = engine.heads().expect("heads");
    heads.latest = right.executed.block;
    let removed = engine.commit(&heads, &[]).expect("reorganises");
    let removed: Vec<_> = removed.iter().map(|record| record.block).collect();
    assert_eq!(removed, [left[1].executed.block, left[0].executed.block]);
    let place = engine
        .store()
        .transaction(&rollwright_core::keccak256(nth(3)));
    let place = place.expect("reads").expect("indexed");
    assert_eq!((place.number, place.index), (2, 2));
    let root = engine.store().check().expect("a root");
    assert_eq!(root.root, right.executed.header.state_root);
    // And back.
    heads.latest = left[1].executed.block;
    engine.commit(&heads, &[]).expect("reorganises");
    let root = engine.store().check().expect("a root");
    assert_eq!(root.root, left[1].executed.header.state_root);
}

#[test]
fn readers_are_served_while_a_block_is_built() {
    let engine = engine();
    let before = extend(&engine, vec![nth(0)]).executed.block;
    /// Reads from another thread whenever it is asked for a candidate.
    struct Reading(EvmEngine, TransactionList, u64);
    impl rollwright_core::CandidateSource for Reading {
        fn next(&mut self, gas: u64, bytes: u64) -> Option<rollwright_core::Candidate> {
            let engine = self.0.clone();
            let nonce = std::thread::spawn(move || {
                let head = engine.heads().expect("heads").latest;
                let state = engine.store().state_at(&head).expect("a state");
                let sender = crate::genesis::dev_account(0).expect("an account").address;
                state.account(sender).expect("reads").expect("funded").nonce
            });
            assert_eq!(nonce.join().expect("a reader"), 1);
            self.2 += 1;
            self.1.next(gas, bytes)
        }
        fn report(&mut self, candidate: &rollwright_core::Candidate, outcome: CandidateOutcome) {
            self.1.report(candidate, outcome);
        }
    }
    let mut source = Reading(engine.clone(), TransactionList::new((1..9).map(nth)), 0);
    let attributes = attributes(&header(&engine, &before));
    let built = engine
        .build_block(&before, attributes, &mut source)
        .expect("a block");
    assert_eq!((built.executed.transactions, source.2), (8, 9));
}

#[test]
fn the_digest_stands_in_the_genesis_block() {
    let engine = engine();
    let genesis = engine.genesis_block();
    assert_eq!(genesis.header.extra_data[..], engine.config_digest()[..]);
    assert_eq!(engine.genesis_time(), genesis.header.timestamp);
    assert_eq!(engine.rollup_config().validate(), Ok(()));
}

#[test]
fn a_chain_that_is_no_rollup_executes_and_cannot_be_derived() {
    let mut genesis = chain(0);
    genesis.config.rollwright = None;
    let engine = EvmEngine::in_memory(genesis).expect("a chain");
    extend(&engine, vec![nth(0)]);
    assert!(engine.rollup_config().validate().is_err());
}

#[test]
fn a_snapshot_takes_the_place_of_genesis() {
    let source = engine();
    for n in 0..4 {
        extend(&source, vec![nth(2 * n), nth(2 * n + 1)]);
    }
    let mut snapshot = Vec::new();
    let head = source.heads().expect("heads").latest;
    source
        .store()
        .export(&head, &[], &mut snapshot)
        .expect("exports");
    // Opened, and not initialised: the place is empty.
    let engine = EvmEngine::open(EvmConfig::in_memory(chain(0))).expect("opens");
    let rollup_id = engine.genesis_block().rollup_id();
    engine
        .store()
        .import(rollup_id, &mut snapshot.as_slice())
        .expect("imports");
    assert_eq!(engine.init().expect("genesis").hash, rollup_id);
    assert_eq!(engine.heads().expect("heads").latest, head);
    assert_eq!(
        extend(&engine, vec![nth(8)]).executed,
        extend(&source, vec![nth(8)]).executed
    );
}

#[test]
fn the_genesis_root_is_remembered_and_a_wrong_memory_is_not_believed() {
    let kv = memory();
    let genesis = chain(0);
    let digest = genesis.allocation_digest();
    let open = || EvmEngine::open(over(&kv, 0)).expect("opens");
    let engine = open();
    assert_eq!(
        engine.store().allocation_root(&digest).expect("reads"),
        None
    );
    let block = engine.init().expect("commits");
    let root = engine.genesis_block().header.state_root;
    let remembered = || engine.store().allocation_root(&digest).expect("reads");
    assert_eq!(remembered(), Some(root));
    engine
        .store()
        .remember_allocation(&digest, B256::repeat_byte(1))
        .expect("writes");
    let again = open();
    assert_eq!(again.genesis_block().block_ref(), block);
    assert_eq!(remembered(), Some(root), "it is put right");
    // Other accounts with the same chain id are another chain.
    assert!(EvmEngine::open(over(&kv, 1)).is_err());
}
