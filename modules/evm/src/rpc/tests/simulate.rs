//! `eth_simulateV1`. Requests and answers marked as recorded are those of
//! ethereum/execution-apis (`tests/eth_simulateV1`), on whose chain the
//! transactions' hashes and the roots of transactions and receipts depend by
//! its id alone.

use super::chain::{
    COINBASE, ENVIRONMENT, LOOPER, REVERTER, Rpc, STORER, account, call_of, genesis, quantity,
    words,
};
use crate::rpc::EthConfig;
use alloy_primitives::{Address, B256, U256, address};
use serde_json::{Value, json};

const A: Address = address!("0xc000000000000000000000000000000000000000");
const B: Address = address!("0xc100000000000000000000000000000000000000");
const C: Address = address!("0xc200000000000000000000000000000000000000");

/// A chain with the id of the recorded answers.
fn recorded() -> Rpc {
    let mut genesis = genesis();
    genesis.config.chain_id = 3_503_995_874_084_926;
    genesis.gas_limit = 200_000_000;
    Rpc::of(genesis, EthConfig::default())
}

#[tokio::test]
async fn transfers_are_as_recorded() {
    let rpc = recorded();
    let payload = json!({"blockStateCalls": [{
        "stateOverrides": {A.to_string(): {"balance": "0x3e8"}},
        "calls": [
            {"from": A, "to": B, "value": "0x3e8"},
            {"from": B, "to": C, "value": "0x3e8"},
        ],
    }]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload, "latest"])).await;
    let block = &blocks[0];
    let call = json!({
        "returnData": "0x", "logs": [], "gasUsed": "0x5208", "maxUsedGas": "0x5208",
        "status": "0x1",
    });
    assert_eq!(block["calls"], json!([call, call]));
    assert_eq!(
        block["transactions"],
        json!([
            "0xf1c5abb08809ef760f87aeabe7a87284c60797192dab6d2f0d26c27c9c038e9d",
            "0xbc123d32ae457d4a444af60d1aef663c2f4a77c44a52bec0eef8ac81b53549cb",
        ])
    );
    assert_eq!(
        block["transactionsRoot"],
        "0x6d79cfd6f20bf10a0b3831acf15402528b00992cb9a71302596de7fbb4ebfb07"
    );
    assert_eq!(
        block["receiptsRoot"],
        "0x75308898d571eafb5cd8cde8278bf5b3d13c5f6ec074926de3bb895b519264e1"
    );
    let mut keys: Vec<&String> = block.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "baseFeePerGas",
            "blobGasUsed",
            "calls",
            "difficulty",
            "excessBlobGas",
            "extraData",
            "gasLimit",
            "gasUsed",
            "hash",
            "logsBloom",
            "miner",
            "mixHash",
            "nonce",
            "number",
            "parentBeaconBlockRoot",
            "parentHash",
            "receiptsRoot",
            "requestsHash",
            "sha3Uncles",
            "size",
            "stateRoot",
            "timestamp",
            "transactions",
            "transactionsRoot",
            "uncles",
            "withdrawals",
            "withdrawalsRoot",
        ]
    );
    assert_eq!(block["baseFeePerGas"], "0x0");
    assert_eq!(block["extraData"], "0x");
    assert_eq!(block["mixHash"], json!(B256::ZERO));
    assert_eq!(block["gasUsed"], "0xa410");
}

#[tokio::test]
async fn logs_and_bloom_are_as_recorded() {
    let rpc = recorded();
    let code =
        "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80600080a1600080f3";
    let payload = json!({"blockStateCalls": [{
        "stateOverrides": {C.to_string(): {"code": code}},
        "calls": [{"from": A, "to": C, "input": "0x6057361d0000000000000000000000000000000000000000000000000000000000000005"}],
    }]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let block = &blocks[0];
    let call = &block["calls"][0];
    assert_eq!(call["gasUsed"], "0x55d4");
    let hash = "0x0c316124563c91479e019be7b012995015f22f6a150c1f42a78bc25e12cd00f7";
    assert_eq!(
        call["logs"],
        json!([{
            "address": C, "topics": [B256::repeat_byte(0xff)], "data": "0x",
            "blockNumber": block["number"], "transactionHash": hash,
            "transactionIndex": "0x0", "blockHash": block["hash"],
            "blockTimestamp": block["timestamp"], "logIndex": "0x0", "removed": false,
        }])
    );
    assert_eq!(
        block["receiptsRoot"],
        "0x4287aeb00e17dccbeb1e50061a9ce4bf01cc943641c2583aef0441a7a5e471cd"
    );
    assert_ne!(block["logsBloom"], json!(alloy_primitives::Bloom::ZERO));
}

#[tokio::test]
async fn transfers_are_logged_where_wanted_and_stay_out_of_receipts() {
    let rpc = recorded();
    let payload = json!({"blockStateCalls": [{
        "stateOverrides": {A.to_string(): {"balance": "0x7d0"}},
        "calls": [{"from": A, "to": B, "value": "0x3e8"}],
    }], "traceTransfers": true});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let block = &blocks[0];
    let log = &block["calls"][0]["logs"][0];
    assert_eq!(log["address"], "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    assert_eq!(
        log["topics"],
        json!([
            "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
            A.into_word(),
            B.into_word(),
        ])
    );
    assert_eq!(log["data"], json!(B256::from(U256::from(1_000))));
    // As recorded: the receipt of a transfer without logs.
    assert_eq!(
        block["receiptsRoot"],
        "0xf78dfb743fbd92ade140711c8bbc542b5e307f0ab7984eff35d751969fe57efa"
    );
    assert_eq!(block["logsBloom"], json!(alloy_primitives::Bloom::ZERO));

    // What was reverted transferred nothing.
    let payload = json!({"blockStateCalls": [{
        "stateOverrides": {A.to_string(): {"balance": "0x7d0"}},
        "calls": [{"from": A, "to": REVERTER, "value": "0x1"}],
    }], "traceTransfers": true});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let call = &blocks[0]["calls"][0];
    assert_eq!(call["logs"], json!([]));
    assert_eq!(call["status"], "0x0");
    assert_eq!(call["returnData"], "0x");
    let error = json!({"code": 3, "message": "execution reverted", "data": "0x"});
    assert_eq!(call["error"], error);
}

#[tokio::test]
async fn a_moved_precompile_answers_elsewhere_in_that_block_alone() {
    let rpc = recorded();
    let signature = "0x1c8aff950685c2ed4bc3174f3472287b56d9517b9c948127319a09a7a36deac8000000000000000000000000000000000000000000000000000000000000001cb7cf302145348387b9e69fde82d8e634a0f8761e78da3bfa059efced97cbed0d2a66b69167cafe0ccfc726aec6ee393fea3cf0e4f3f9c394705e0f56d9bfe1c9";
    let first = Address::with_last_byte(1);
    let other = address!("0x0000000000000000000000000000000000123456");
    let call = |to: Address| json!({"from": B, "to": to, "input": signature});
    let payload = json!({"blockStateCalls": [
        {"calls": [call(first)]},
        {
            "stateOverrides": {first.to_string(): {"movePrecompileToAddress": other}},
            "calls": [call(other), call(first)],
        },
        {"calls": [call(first)]},
    ]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let signer = "0x000000000000000000000000b11cad98ad3f8114e0b3a1f6e7228bc8424df48a";
    let call = |block: usize, call: usize| &blocks[block]["calls"][call];
    assert_eq!(call(0, 0)["returnData"], signer);
    assert_eq!(call(1, 0)["returnData"], signer);
    assert_eq!(call(1, 0)["gasUsed"], "0x644c", "as recorded");
    assert_eq!(call(1, 1)["returnData"], "0x");
    assert_eq!(call(1, 1)["gasUsed"], "0x6266", "as recorded");
    assert_eq!(call(2, 0)["returnData"], signer);

    // The same in a single call, and in an estimate.
    let overrides = json!({first.to_string(): {"movePrecompileToAddress": other}});
    let params = |to: Address| json!([{"to": to, "input": signature}, "latest", overrides]);
    assert_eq!(rpc.ok("eth_call", params(other)).await, signer);
    assert_eq!(rpc.ok("eth_call", params(first)).await, "0x");
    let moved = rpc.ok("eth_estimateGas", params(other)).await;
    let plain = json!([{"to": first, "input": signature}]);
    assert_eq!(moved, rpc.ok("eth_estimateGas", plain).await);

    let not_one = json!({B.to_string(): {"movePrecompileToAddress": B}});
    let error = rpc
        .error("eth_call", json!([{"to": B}, "latest", not_one]))
        .await;
    assert_eq!(error["code"], -32000, "as recorded");
    let taken = json!({
        first.to_string(): {"movePrecompileToAddress": C}, C.to_string(): {"balance": "0x1"},
    });
    let error = rpc
        .error("eth_call", json!([{"to": B}, "latest", taken]))
        .await;
    assert_eq!(error["code"], -32000);
    let itself = json!({first.to_string(): {"movePrecompileToAddress": first}});
    let error = rpc
        .error("eth_call", json!([{"to": B}, "latest", itself]))
        .await;
    assert_eq!(error["code"], -38022);
}

#[tokio::test]
async fn code_over_a_precompile_replaces_it() {
    let rpc = Rpc::new();
    let identity = Address::with_last_byte(4);
    // Returns the number 7.
    let overrides = json!({identity.to_string(): {"code": "0x60075f5260205ff3"}});
    let call = json!([{"to": identity, "input": "0x1234"}, "latest", overrides]);
    assert_eq!(rpc.ok("eth_call", call).await, json!(words([7])));
}

#[tokio::test]
async fn the_state_root_is_that_of_the_same_block_on_the_chain() {
    let rpc = Rpc::new();
    rpc.node.seal();
    rpc.node.put(call_of(0, 0, STORER, words([5, 77])));
    rpc.node.put(call_of(1, 0, STORER, words([5, 0])));
    rpc.node.put(call_of(0, 1, STORER, words([6, 1])));
    rpc.node.seal();
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x2", true])).await;
    let calls: Vec<Value> = block["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tx| {
            json!({
                "from": tx["from"], "to": tx["to"], "input": tx["input"], "gas": tx["gas"],
                "maxFeePerGas": tx["maxFeePerGas"],
                "maxPriorityFeePerGas": tx["maxPriorityFeePerGas"],
            })
        })
        .collect();
    let payload = json!({"blockStateCalls": [{
        "blockOverrides": {
            "time": block["timestamp"], "feeRecipient": COINBASE, "prevRandao": block["mixHash"],
            "beaconRoot": block["parentBeaconBlockRoot"],
        },
        "calls": calls,
    }], "validation": true, "returnFullTransactions": true});
    let blocks = rpc.ok("eth_simulateV1", json!([payload, "0x1"])).await;
    for key in [
        "stateRoot",
        "receiptsRoot",
        "gasUsed",
        "baseFeePerGas",
        "parentHash",
        "number",
    ] {
        assert_eq!(blocks[0][key], block[key], "{key}");
    }
    let full = &blocks[0]["transactions"][0];
    assert_eq!(full["from"], block["transactions"][0]["from"]);
    assert_eq!(full["blockHash"], blocks[0]["hash"]);
}

#[tokio::test]
async fn gaps_are_filled_and_hashes_of_simulated_blocks_are_seen() {
    let rpc = Rpc::new();
    rpc.node.seal();
    // Returns the hash of the block before.
    let code = "0x600143034060005260206000f3";
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"number": "0x4"}, "stateOverrides": {C.to_string(): {"code": code}}},
        {"calls": [{"to": C}, {"to": ENVIRONMENT}]},
    ]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let blocks = blocks.as_array().unwrap();
    let numbers: Vec<&Value> = blocks.iter().map(|block| &block["number"]).collect();
    assert_eq!(numbers, ["0x2", "0x3", "0x4", "0x5"]);
    for pair in blocks.windows(2) {
        assert_eq!(pair[1]["parentHash"], pair[0]["hash"]);
    }
    assert_eq!(blocks[3]["calls"][0]["returnData"], blocks[2]["hash"]);
    let seen = blocks[3]["calls"][1]["returnData"].as_str().unwrap();
    assert!(seen.starts_with(&format!("0x{:064x}", 5)), "{seen}");
}

#[tokio::test]
async fn what_cannot_be_simulated_has_a_code_of_its_own() {
    let rpc = Rpc::new();
    rpc.node.seal();
    let poor = Address::repeat_byte(0x55);
    let one = |call: Value| json!({"blockStateCalls": [{"calls": [call]}], "validation": true});
    let fees = json!({"maxFeePerGas": "0x3b9aca00"});
    let with = |mut call: Value| {
        for (key, value) in fees.as_object().unwrap() {
            call[key] = value.clone();
        }
        one(call)
    };
    let rich = account(0);
    let cases = [
        (json!({"blockStateCalls": []}), -32602),
        (json!({"blockStateCalls": vec![json!({}); 257]}), -38026),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"number": "0x200"}}]}),
            -38026,
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"number": "0x1"}}]}),
            -38020,
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"number": U256::MAX}}]}),
            -38026,
        ),
        (
            json!({"blockStateCalls": [{"blockOverrides": {"time": "0x1"}}]}),
            -38021,
        ),
        (with(json!({"from": rich, "to": B, "nonce": "0x9"})), -38011),
        (one(json!({"from": rich, "to": B})), -38012),
        (with(json!({"from": rich, "to": B, "gas": "0x1"})), -38013),
        (with(json!({"from": poor, "to": B})), -38014),
        (
            with(json!({"from": rich, "to": B, "gas": "0xffffffff"})),
            -38015,
        ),
        (
            with(json!({"from": rich, "to": B, "maxPriorityFeePerGas": "0xffffffffff"})),
            -32602,
        ),
        (
            with(
                json!({"from": rich, "gas": "0xf00000", "input": format!("0x{}", "00".repeat(49_153))}),
            ),
            -38025,
        ),
        (
            json!({"blockStateCalls": [{"calls": [{"from": poor, "to": B, "value": "0x1"}]}]}),
            -38014,
        ),
    ];
    for (payload, code) in cases {
        let error = rpc.error("eth_simulateV1", json!([payload])).await;
        assert_eq!(error["code"], code, "{error}");
    }
    rpc.node.put(call_of(0, 0, STORER, words([5, 77])));
    rpc.node.seal();
    let again = with(json!({"from": rich, "to": B, "nonce": "0x0"}));
    let error = rpc.error("eth_simulateV1", json!([again])).await;
    assert_eq!(error["code"], -38010, "{error}");
}

#[tokio::test]
async fn all_calls_together_have_the_gas_of_one() {
    let rpc = Rpc::of(
        genesis(),
        EthConfig {
            call_gas_cap: 100_000,
            ..EthConfig::default()
        },
    );
    let call = json!({"from": account(0), "to": LOOPER});
    let payload = json!({"blockStateCalls": [{"calls": [call]}, {"calls": [call]}]});
    let error = rpc.error("eth_simulateV1", json!([payload])).await;
    assert_eq!(error["code"], -38013, "{error}");
    let payload = json!({"blockStateCalls": [{"calls": [call]}]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let call = &blocks[0]["calls"][0];
    assert_eq!(call["gasUsed"], quantity(100_000_u64));
    assert_eq!(
        call["error"],
        json!({"code": -32015, "message": "out of gas"})
    );
}

#[tokio::test]
async fn withdrawals_are_credited() {
    let rpc = Rpc::new();
    let poor = Address::repeat_byte(0x55);
    let withdrawal = json!({
        "index": "0x0", "validatorIndex": "0x1", "address": poor, "amount": "0x2",
    });
    let payload = json!({"blockStateCalls": [
        {"blockOverrides": {"withdrawals": [withdrawal]}},
        {"calls": [{"from": poor, "to": B, "value": "0x77359400"}]},
    ]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    assert_eq!(blocks[0]["withdrawals"], json!([withdrawal]));
    assert_ne!(blocks[0]["withdrawalsRoot"], blocks[1]["withdrawalsRoot"]);
    assert_eq!(blocks[1]["calls"][0]["status"], "0x1");
}
