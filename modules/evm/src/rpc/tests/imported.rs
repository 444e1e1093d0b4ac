//! Methods over a chain of Ethereum's own blocks, through every fork: see
//! `testdata/README.md`.

use crate::{
    engine::EvmEngine,
    genesis::Genesis,
    import::{ChainFile, Importer, import},
    rpc::EthConfig,
};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Transaction as _, TxEnvelope};
use alloy_eips::{eip2718::Decodable2718 as _, eip4844::DATA_GAS_PER_BLOB};
use alloy_primitives::U256;
use serde_json::{Value, json};
use std::sync::Arc;

use super::chain::{FakeNode, Rpc, quantity};

const GENESIS: &str = include_str!("../../../testdata/all-forks.genesis.json");
const CHAIN: &[u8] = include_bytes!("../../../testdata/all-forks.rlp");

/// What execution-apis lists for receipts of type 3 (`receipt.yaml`).
const BLOB_RECEIPT: [&str; 16] = [
    "blobGasPrice",
    "blobGasUsed",
    "blockHash",
    "blockNumber",
    "contractAddress",
    "cumulativeGasUsed",
    "effectiveGasPrice",
    "from",
    "gasUsed",
    "logs",
    "logsBloom",
    "status",
    "to",
    "transactionHash",
    "transactionIndex",
    "type",
];
/// And for transactions of type 3 in a block (`transaction.yaml`).
const BLOB_TRANSACTION: [&str; 23] = [
    "accessList",
    "blobVersionedHashes",
    "blockHash",
    "blockNumber",
    "blockTimestamp",
    "chainId",
    "from",
    "gas",
    "gasPrice",
    "hash",
    "input",
    "maxFeePerBlobGas",
    "maxFeePerGas",
    "maxPriorityFeePerGas",
    "nonce",
    "r",
    "s",
    "to",
    "transactionIndex",
    "type",
    "v",
    "value",
    "yParity",
];

fn keys(value: &Value) -> Vec<&str> {
    let keys = value.as_object().unwrap().keys();
    let mut keys: Vec<&str> = keys.map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn imported() -> Rpc {
    let genesis = Genesis::from_geth_json(GENESIS).expect("a genesis of geth");
    let engine = EvmEngine::in_memory(genesis).expect("a store in memory");
    let store = engine.store().clone();
    let mut importer = Importer::open(store, Arc::clone(engine.chain_config())).expect("opens");
    import(
        &mut importer,
        engine.store(),
        ChainFile::new(CHAIN),
        &mut |_, _| (),
    )
    .expect("a valid chain");
    Rpc::over(FakeNode::over(engine), EthConfig::default())
}

/// All blocks above genesis, with full transactions.
async fn blocks(rpc: &Rpc) -> Vec<Value> {
    let head = rpc.ok("eth_blockNumber", json!([])).await;
    let head = head.as_str().and_then(|head| head.strip_prefix("0x"));
    let head = u64::from_str_radix(head.unwrap(), 16).unwrap();
    let mut blocks = Vec::new();
    for number in 1..=head {
        let params = json!([quantity(number), true]);
        blocks.push(rpc.ok("eth_getBlockByNumber", params).await);
    }
    assert!(blocks.len() > 40);
    blocks
}

#[tokio::test]
async fn a_trace_of_every_transaction_of_every_fork_uses_the_gas_of_its_receipt() {
    let rpc = imported();
    let mut types = std::collections::BTreeSet::new();
    for block in blocks(&rpc).await {
        let number = &block["number"];
        let receipts = rpc.ok("eth_getBlockReceipts", json!([number])).await;
        let receipts = receipts.as_array().unwrap();
        if receipts.is_empty() {
            continue;
        }
        let logs = rpc.ok("debug_traceBlockByNumber", json!([number])).await;
        let calls = json!([number, {"tracer": "callTracer"}]);
        let calls = rpc.ok("debug_traceBlockByNumber", calls).await;
        let parity = rpc.ok("trace_block", json!([number])).await;
        assert!(parity.as_array().unwrap().len() >= receipts.len());
        for (index, receipt) in receipts.iter().enumerate() {
            let gas = logs[index]["result"]["gas"].as_u64().unwrap();
            assert_eq!(receipt["gasUsed"], quantity(gas), "block {number}");
            let called = &calls[index]["result"];
            assert_eq!(receipt["gasUsed"], called["gasUsed"], "block {number}");
            assert_eq!(receipt["from"], called["from"], "block {number}");
            // Byzantium put the status in the place of the root.
            let (status, root) = (receipt.get("status"), receipt.get("root"));
            assert!(status.is_some() != root.is_some(), "block {number}");
            if let Some(status) = receipt.get("status") {
                let failed = &logs[index]["result"]["failed"];
                assert_eq!(status == "0x0", failed == true, "block {number}");
            }
            types.insert(receipt["type"].as_str().unwrap().to_owned());
        }
    }
    let all = ["0x0", "0x1", "0x2", "0x3", "0x4"].map(str::to_owned);
    assert_eq!(types, all.into());
}

#[tokio::test]
async fn receipts_of_blob_transactions_say_what_blobs_used_and_paid() {
    let rpc = imported();
    let mut seen = 0;
    for block in blocks(&rpc).await {
        let receipts = rpc
            .ok("eth_getBlockReceipts", json!([block["number"]]))
            .await;
        let mut used = 0;
        for (receipt, transaction) in receipts
            .as_array()
            .unwrap()
            .iter()
            .zip(block["transactions"].as_array().unwrap())
        {
            let hash = &transaction["hash"];
            let alone = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
            assert_eq!(&alone, receipt);
            if receipt["type"] != "0x3" {
                assert!(receipt.get("blobGasUsed").is_none());
                assert!(receipt.get("blobGasPrice").is_none());
                continue;
            }
            seen += 1;
            assert_eq!(keys(receipt), BLOB_RECEIPT);
            assert_eq!(keys(transaction), BLOB_TRANSACTION);
            let raw = rpc.ok("eth_getRawTransactionByHash", json!([hash])).await;
            let raw: alloy_primitives::Bytes = serde_json::from_value(raw).unwrap();
            let decoded = TxEnvelope::decode_2718_exact(&raw).unwrap();
            let blobs = decoded.blob_versioned_hashes().unwrap();
            let gas = blobs.len() as u64 * DATA_GAS_PER_BLOB;
            assert_eq!(receipt["blobGasUsed"], quantity(gas));
            assert_eq!(transaction["blobVersionedHashes"], json!(blobs));
            let offered = decoded.max_fee_per_blob_gas().unwrap();
            assert_eq!(transaction["maxFeePerBlobGas"], quantity(offered));
            let price: U256 = serde_json::from_value(receipt["blobGasPrice"].clone()).unwrap();
            assert!(price >= U256::ONE && price <= U256::from(offered));
            // As eth_feeHistory says it of the same block.
            let history = json!(["0x1", block["number"], []]);
            let history = rpc.ok("eth_feeHistory", history).await;
            assert_eq!(history["baseFeePerBlobGas"][0], receipt["blobGasPrice"]);
            assert!(history["blobGasUsedRatio"][0].as_f64().unwrap() > 0.0);
            used += gas;
        }
        if let Some(total) = block.get("blobGasUsed") {
            assert_eq!(*total, quantity(used));
        }
    }
    assert!(seen > 0, "the chain has blob transactions");
}

#[tokio::test]
async fn a_simulated_block_follows_the_rules_of_the_block_below() {
    let rpc = imported();
    let blocks = blocks(&rpc).await;
    for base in &blocks {
        let call = json!({"blockStateCalls": [{}]});
        let made = rpc
            .ok("eth_simulateV1", json!([call, base["number"]]))
            .await;
        let made = &made[0];
        // Nothing is taken away by the next block, twelve seconds later.
        for field in [
            "baseFeePerGas",
            "withdrawalsRoot",
            "blobGasUsed",
            "requestsHash",
        ] {
            if base.get(field).is_some() {
                assert!(made.get(field).is_some(), "{field} on {}", base["number"]);
            }
        }
        let is_last = base["number"] == blocks[blocks.len() - 1]["number"];
        if base["difficulty"] != "0x0" && !is_last {
            assert_eq!(made["difficulty"], base["difficulty"]);
            assert!(made.get("withdrawalsRoot").is_none(), "before the merge");
        }
        assert_eq!(made["sha3Uncles"], json!(EMPTY_OMMER_ROOT_HASH));
    }
}

#[tokio::test]
async fn the_current_rules_are_those_of_the_latest_block() {
    let rpc = imported();
    let config = rpc.ok("eth_config", json!([])).await;
    let precompiles = config["current"]["precompiles"].as_object().unwrap();
    assert!(precompiles.contains_key("P256VERIFY"), "{config}");
    assert!(config["current"]["blobSchedule"].is_object());
}
