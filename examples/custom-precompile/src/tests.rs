use super::*;
use crate::merkle::{BASE, PER_LEAF};
use rollwright_core::LayerError as _;
use rollwright_evm::{
    engine::EngineError,
    machine::{AccountOverride, CallRequest, CallResult, Overrides},
    precompile::Outcome,
};

fn leaf(n: u8) -> B256 {
    keccak256([n])
}

fn pair(left: B256, right: B256) -> B256 {
    keccak256([left.0, right.0].concat())
}

/// What the precompile answers at the head.
fn ask(engine: &EvmEngine, input: &[u8]) -> CallResult {
    let request = CallRequest {
        to: Some(PLACE),
        input: Bytes::copy_from_slice(input),
        ..CallRequest::default()
    };
    let head = engine.heads().expect("heads").latest;
    let outcome = engine.call(&head, &request, &Overrides::default());
    let outcome = outcome.expect("reads").expect("executes");
    outcome.result
}

fn output(result: CallResult) -> Bytes {
    match result {
        CallResult::Success { output, .. } => output,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_block_that_calls_it_is_executed_again_from_a_witness() {
    let (engine, block) = run().expect("runs");
    check(&engine, &block).expect("the same block");
}

#[test]
fn it_answers_with_the_root() {
    let engine = open(genesis(0).expect("a genesis"), &[MERKLE_ROOT]).expect("opens");
    let leaves: Vec<u8> = (0..3).flat_map(|n| leaf(n).0).collect();
    let root = pair(pair(leaf(0), leaf(1)), leaf(2));
    assert_eq!(output(ask(&engine, &leaves))[..], root[..]);
    assert_eq!(output(ask(&engine, &leaves[..32]))[..], leaf(0)[..]);
}

#[test]
fn its_price_rises_with_the_leaves_and_what_is_not_paid_for_is_not_done() {
    let run = MERKLE_ROOT.run;
    let leaves = [7; 96];
    let price = BASE + 3 * PER_LEAF;
    assert!(matches!(run(&leaves, price), Outcome::Success { gas_used, .. } if gas_used == price));
    assert_eq!(run(&leaves, price - 1), Outcome::OutOfGas);
    assert!(matches!(run(&leaves[..95], price), Outcome::Failure(_)));
    // In a chain: what two leaves more cost, with two words of memory.
    let engine = open(genesis(0).expect("a genesis"), &[MERKLE_ROOT]).expect("opens");
    assert_eq!(
        ask_from_memory(&engine, 96) - ask_from_memory(&engine, 32),
        2 * PER_LEAF + 2 * 3
    );
}

/// Gas of a call of a contract that calls the precompile with that much of its
/// memory.
fn ask_from_memory(engine: &EvmEngine, bytes: u8) -> u64 {
    let place = Address::repeat_byte(0xc0);
    // staticcall(gas, PLACE, 0, bytes, 0, 0)
    let code = [
        &[0x5f, 0x5f, 0x60, bytes, 0x5f, 0x73][..],
        PLACE.as_slice(),
        &[0x5a, 0xfa, 0],
    ];
    let mut overrides = Overrides::default();
    overrides.state.insert(
        place,
        AccountOverride {
            code: Some(code.concat().into()),
            ..AccountOverride::default()
        },
    );
    let request = CallRequest {
        to: Some(place),
        ..CallRequest::default()
    };
    let head = engine.heads().expect("heads").latest;
    let outcome = engine.call(&head, &request, &overrides);
    outcome.expect("reads").expect("executes").gas_used
}

#[test]
fn it_stands_from_its_time_on() {
    let engine = open(genesis(START + 2).expect("a genesis"), &[MERKLE_ROOT]).expect("opens");
    let leaves = [7; 64];
    // A call in a block's environment sees that block's time.
    for expected in [0, 0, 32] {
        assert_eq!(output(ask(&engine, &leaves)).len(), expected);
        produce(&engine, Vec::new()).expect("a block");
    }
}

#[test]
fn a_program_without_the_code_does_not_open_the_chain() {
    fn other(_: &[u8], _: u64) -> Outcome {
        Outcome::Failure("nothing")
    }
    let error = |code: &[Precompile]| {
        let config = EvmConfig::in_memory(genesis(0).expect("a genesis")).with_precompiles(code);
        let error: EngineError = EvmEngine::open(config).expect_err("refused");
        assert_eq!(error.code(), "RW-EVM-006");
        error.to_string()
    };
    assert!(error(&[]).contains("example/merkle-root"));
    let version = Precompile {
        version: 2,
        ..MERKLE_ROOT
    };
    assert!(error(&[version]).contains("no code"));
    let behaves = Precompile {
        run: other,
        ..MERKLE_ROOT
    };
    assert!(error(&[behaves]).contains("fingerprint"));
}

#[test]
fn the_genesis_hash_says_which_precompiles_a_chain_has() {
    let with = genesis(0).expect("a genesis");
    let mut without = with.clone();
    without
        .config
        .rollwright
        .as_mut()
        .expect("a rollup")
        .precompiles
        .clear();
    let hash = |genesis: &Genesis| genesis.block().expect("valid").rollup_id();
    assert_ne!(hash(&with), hash(&without));
    assert_ne!(hash(&with), hash(&genesis(1).expect("a genesis")));
}

#[test]
fn stateless_execution_without_the_code_fails_and_says_so() {
    let (engine, block) = run().expect("runs");
    let unlinked = genesis(0).expect("a genesis").config;
    let error = stateless(&engine, &unlinked, &block).expect_err("no code");
    assert!(error.to_string().contains("example/merkle-root"), "{error}");
}
