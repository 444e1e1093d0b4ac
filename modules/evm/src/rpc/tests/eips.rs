//! Calls, traces and simulations follow the chain's own EIPs and precompiles.

use super::chain::{CHAIN_ID, Rpc, account, quantity};
use crate::{
    engine::EvmEngine,
    genesis::{DevGenesis, Genesis},
    precompile::{Outcome, Precompile},
    rpc::EthConfig,
};
use alloy_primitives::{Address, address};
use rollwright_derive::{DevChain, PrecompileConfig, RollupConfig};
use serde_json::{Value, json};

const OWN: Address = address!("0x4d65726b6c650000000000000000000000000001");
const HERE: Address = address!("0xc0000000000000000000000000000000000000c0");

/// Returns CLZ of the first word.
const CLZ: &str = "0x5f351e5f5260205ff3";

fn twice(input: &[u8], _: u64) -> Outcome {
    Outcome::Success {
        gas_used: 7,
        output: [input, input].concat().into(),
    }
}

fn genesis() -> Genesis {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: account(0),
        fee_vault: account(1),
        ..DevChain::default()
    });
    let chain = DevGenesis {
        chain_id: CHAIN_ID,
        ..DevGenesis::new(1_700_000_000, rollup)
    };
    chain.genesis()
}

/// Prague, with P256VERIFY and CLZ a hundred seconds after genesis, and a
/// precompile of the chain's own from then on.
fn rpc() -> (Rpc, u64) {
    let mut genesis = genesis();
    let since = genesis.timestamp + 100;
    genesis.config.osaka_time = None;
    genesis.config.blob_schedule.remove("osaka");
    let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
    for key in ["eip7951", "eip7939"] {
        rollup.eips.insert(key.into(), since);
    }
    rollup.precompiles.push(PrecompileConfig {
        name: "test/twice".into(),
        version: 3,
        address: OWN,
        time: since,
        fingerprint: None,
    });
    let code = Precompile {
        name: "test/twice",
        version: 3,
        run: twice,
    };
    let genesis = genesis.with_precompiles(&[code]).expect("linked");
    (Rpc::of(genesis, EthConfig::default()), since)
}

fn clz() -> (Value, Value) {
    let call = json!({"from": account(0), "to": HERE, "data": format!("0x{:064x}", 1)});
    (call, json!({ HERE.to_string(): { "code": CLZ } }))
}

#[tokio::test]
async fn calls_and_traces_have_the_rules_of_their_blocks_time() {
    let (rpc, since) = rpc();
    let (call, state) = clz();
    let answer = format!("0x{:064x}", 255);
    let at = |time| json!({ "time": quantity(time) });
    let params = |time| json!([call, "latest", state, at(time)]);
    rpc.error("eth_call", params(since - 1)).await;
    assert_eq!(rpc.ok("eth_call", params(since)).await, json!(answer));

    let traced = |time| {
        let options =
            json!({"tracer": "callTracer", "stateOverrides": state, "blockOverrides": at(time)});
        json!([call, "latest", options])
    };
    let before = rpc.ok("debug_traceCall", traced(since - 1)).await;
    assert!(before["error"].is_string(), "{before}");
    let after = rpc.ok("debug_traceCall", traced(since)).await;
    assert_eq!(after["output"], json!(answer));

    let simulated = |time| {
        let block = json!({"blockOverrides": at(time), "stateOverrides": state, "calls": [call]});
        json!([{ "blockStateCalls": [block] }, "latest"])
    };
    let before = rpc.ok("eth_simulateV1", simulated(since - 1)).await;
    assert_eq!(before[0]["calls"][0]["status"], json!("0x0"), "{before}");
    let after = rpc.ok("eth_simulateV1", simulated(since)).await;
    let last = after
        .as_array()
        .and_then(|blocks| blocks.last())
        .expect("blocks");
    assert_eq!(last["calls"][0]["returnData"], json!(answer));
}

#[tokio::test]
async fn a_precompile_of_the_chains_own_answers_and_can_be_moved() {
    let (rpc, since) = rpc();
    let call = json!({"from": account(0), "to": OWN, "data": "0x0102"});
    let at = json!({ "time": quantity(since) });
    let early = json!({ "time": quantity(since - 1) });
    let ask = |state: Value, at: &Value| json!([call, "latest", state, at]);
    assert_eq!(
        rpc.ok("eth_call", ask(json!({}), &early)).await,
        json!("0x")
    );
    let doubled = json!("0x01020102");
    assert_eq!(rpc.ok("eth_call", ask(json!({}), &at)).await, doubled);
    let moved = json!({ OWN.to_string(): { "movePrecompileToAddress": HERE } });
    assert_eq!(
        rpc.ok("eth_call", ask(moved.clone(), &at)).await,
        json!("0x")
    );
    let there = json!({"from": account(0), "to": HERE, "data": "0x0102"});
    let params = json!([there, "latest", moved, at]);
    assert_eq!(rpc.ok("eth_call", params).await, doubled);
}

#[tokio::test]
async fn the_configuration_lists_switches_as_the_next_rules() {
    let (rpc, since) = rpc();
    let answer = rpc.ok("eth_config", json!([])).await;
    let (current, next) = (&answer["current"], &answer["next"]);
    assert_eq!(current["precompiles"]["P256VERIFY"], json!(null));
    assert_eq!(next["activationTime"], json!(since));
    assert!(next["precompiles"]["P256VERIFY"].is_string());
    assert_eq!(
        next["precompiles"]["test/twice/v3"],
        json!(OWN.to_string().to_lowercase())
    );
    assert_ne!(current["forkId"], next["forkId"]);
    assert_eq!(answer["last"], *next);
}

#[test]
fn an_engine_without_the_code_does_not_open() {
    let mut genesis = genesis();
    let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
    rollup.precompiles.push(PrecompileConfig {
        name: "test/twice".into(),
        version: 3,
        address: OWN,
        time: u64::MAX,
        fingerprint: None,
    });
    let error = EvmEngine::in_memory(genesis)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("test/twice, version 3"), "{error}");
}
