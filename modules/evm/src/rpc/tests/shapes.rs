//! Shapes key by key: expected objects are written from execution-apis
//! (`src/schemas/{block,receipt,transaction}.yaml`), values are computed from
//! the transactions' bytes.

use super::chain::{
    CHAIN_ID, COINBASE, GAS_LIMIT, GENESIS_TIME, LOGGERS, Rpc, STORER, access_listed, account,
    call_of, delegating, legacy, quantity, words,
};
use alloy_consensus::{Transaction as _, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, keccak256};
use serde_json::{Value, json};

fn decode(bytes: &Bytes) -> TxEnvelope {
    TxEnvelope::decode_2718_exact(bytes).unwrap()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

/// Signature fields: `yParity` stands beside `v` in typed transactions only.
fn signature(transaction: &mut Value, envelope: &TxEnvelope) {
    let signature = envelope.signature();
    let parity = u64::from(signature.v());
    transaction["r"] = json!(signature.r());
    transaction["s"] = json!(signature.s());
    if envelope.is_legacy() {
        transaction["v"] = quantity(parity + 35 + 2 * CHAIN_ID);
    } else {
        transaction["v"] = quantity(parity);
        transaction["yParity"] = quantity(parity);
    }
}

/// A chain with one block of four transactions, one of each admitted type.
fn four_types() -> (Rpc, [Bytes; 4], B256) {
    let rpc = Rpc::new();
    let transactions = [
        legacy(0, 0),
        access_listed(1, 0),
        call_of(2, 0, LOGGERS[2].0, words([1, 2, 3])),
        delegating(3, 0),
    ];
    for bytes in &transactions {
        rpc.node.put(bytes.clone());
    }
    let block = rpc.node.seal();
    (rpc, transactions, block.hash)
}

#[tokio::test]
async fn a_block_has_exactly_the_keys_of_the_specification() {
    let (rpc, transactions, hash) = four_types();
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x1", false])).await;
    assert_eq!(
        keys(&block),
        [
            "baseFeePerGas",
            "blobGasUsed",
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
    let hashes: Vec<B256> = transactions.iter().map(keccak256).collect();
    assert_eq!(block["transactions"], json!(hashes));
    assert_eq!(block["hash"], json!(hash));
    assert_eq!(block["number"], "0x1");
    assert_eq!(block["timestamp"], quantity(GENESIS_TIME + 1));
    assert_eq!(block["gasLimit"], quantity(GAS_LIMIT));
    assert_eq!(block["miner"], json!(COINBASE));
    assert_eq!(block["difficulty"], "0x0");
    assert_eq!(block["nonce"], "0x0000000000000000");
    assert_eq!(block["extraData"], "0x");
    assert_eq!(block["uncles"], json!([]));
    assert_eq!(block["withdrawals"], json!([]));
    assert_eq!(block["blobGasUsed"], "0x0");
    // Empty list, empty requests: Yellow Paper and EIP-7685.
    assert_eq!(
        block["sha3Uncles"],
        "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
    );
    assert_eq!(
        block["requestsHash"],
        "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    // 1 gwei at genesis, an empty genesis block: one eighth less.
    assert_eq!(block["baseFeePerGas"], quantity(875_000_000_u64));
}

#[tokio::test]
async fn the_size_of_a_block_is_the_length_of_its_rlp() {
    let (rpc, transactions, _) = four_types();
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x1", false])).await;
    let header = rpc.node.engine.latest_header().unwrap().unwrap();
    let body = alloy_consensus::BlockBody {
        transactions: transactions.iter().map(decode).collect::<Vec<_>>(),
        ommers: Vec::new(),
        withdrawals: Some(Default::default()),
    };
    let length = alloy_rlp::encode(alloy_consensus::Block::new(header, body)).len();
    assert_eq!(block["size"], quantity(length as u64));
}

#[tokio::test]
async fn transactions_of_every_type_have_exactly_their_keys() {
    let (rpc, [legacy, access_listed, dynamic, delegating], block) = four_types();
    let base_fee = 875_000_000_u64;
    let mined = |index: u32, bytes: &Bytes, from: u32| {
        let envelope = decode(bytes);
        let mut expected = json!({
            "blockHash": block,
            "blockNumber": "0x1",
            "blockTimestamp": quantity(GENESIS_TIME + 1),
            "chainId": quantity(CHAIN_ID),
            "from": account(from),
            "gas": quantity(envelope.gas_limit()),
            "hash": keccak256(bytes),
            "input": envelope.input(),
            "nonce": "0x0",
            "to": envelope.to(),
            "transactionIndex": quantity(index),
            "type": quantity(u64::from(bytes[0]) * u64::from(bytes[0] < 0x80)),
            "value": envelope.value(),
        });
        signature(&mut expected, &envelope);
        expected
    };

    let mut first = mined(0, &legacy, 0);
    first["gasPrice"] = quantity(5_000_000_000_u64);

    let mut second = mined(1, &access_listed, 1);
    second["gasPrice"] = quantity(5_000_000_000_u64);
    second["to"] = Value::Null;
    second["accessList"] = json!([{"address": STORER, "storageKeys": [B256::with_last_byte(7)]}]);

    let mut third = mined(2, &dynamic, 2);
    third["maxFeePerGas"] = quantity(20_000_000_000_u64);
    third["maxPriorityFeePerGas"] = quantity(2_000_000_000_u64);
    third["gasPrice"] = quantity(base_fee + 2_000_000_000);
    third["accessList"] = json!([]);

    let mut fourth = mined(3, &delegating, 3);
    fourth["maxFeePerGas"] = quantity(20_000_000_000_u64);
    fourth["maxPriorityFeePerGas"] = quantity(1_000_000_000_u64);
    fourth["gasPrice"] = quantity(base_fee + 1_000_000_000);
    fourth["accessList"] = json!([]);
    let envelope = decode(&delegating);
    let authorization = &envelope.authorization_list().unwrap()[0];
    fourth["authorizationList"] = json!([{
        "chainId": quantity(CHAIN_ID),
        "address": STORER,
        "nonce": "0x0",
        "yParity": quantity(authorization.y_parity()),
        "r": authorization.r(),
        "s": authorization.s(),
    }]);

    let expected = [first, second, third, fourth];
    for (index, expected) in expected.iter().enumerate() {
        let hash = &expected["hash"];
        let found = rpc.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(&found, expected, "type {index}");
        let index = format!("{index:#x}");
        let method = "eth_getTransactionByBlockNumberAndIndex";
        assert_eq!(&rpc.ok(method, json!(["latest", index])).await, expected);
        let method = "eth_getTransactionByBlockHashAndIndex";
        assert_eq!(&rpc.ok(method, json!([block, index])).await, expected);
    }
    let full = rpc.ok("eth_getBlockByHash", json!([block, true])).await;
    assert_eq!(full["transactions"], json!(expected));
}

#[tokio::test]
async fn receipts_have_exactly_their_keys_and_logs_know_their_place() {
    let (rpc, [legacy, access_listed, dynamic, delegating], block) = four_types();
    let all = rpc.ok("eth_getBlockReceipts", json!(["0x1"])).await;
    let all = all.as_array().unwrap();
    let expected_keys = [
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
    let mut cumulative = 0;
    for (index, bytes) in [&legacy, &access_listed, &dynamic, &delegating]
        .iter()
        .enumerate()
    {
        let receipt = &all[index];
        assert_eq!(keys(receipt), expected_keys);
        let hash = keccak256(bytes);
        assert_eq!(receipt["transactionHash"], json!(hash));
        assert_eq!(receipt["transactionIndex"], quantity(index as u64));
        assert_eq!(receipt["blockHash"], json!(block));
        assert_eq!(receipt["blockNumber"], "0x1");
        assert_eq!(
            receipt["from"],
            json!(account(u32::try_from(index).unwrap()))
        );
        assert_eq!(receipt["status"], "0x1");
        let number = |key: &str| {
            let text = receipt[key].as_str().unwrap();
            u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
        };
        cumulative += number("gasUsed");
        assert_eq!(number("cumulativeGasUsed"), cumulative);
        let single = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(&single, receipt);
    }
    assert_eq!(all[0]["type"], "0x0");
    assert_eq!(all[0]["gasUsed"], quantity(21_000_u64));
    assert_eq!(all[0]["effectiveGasPrice"], quantity(5_000_000_000_u64));
    assert_eq!(all[0]["to"], json!(account(9)));
    assert_eq!(all[0]["contractAddress"], Value::Null);
    assert_eq!(all[0]["logs"], json!([]));
    assert_eq!(all[1]["type"], "0x1");
    assert_eq!(all[1]["to"], Value::Null);
    assert_eq!(all[1]["contractAddress"], json!(account(1).create(0)));
    assert_eq!(all[2]["type"], "0x2");
    assert_eq!(all[2]["effectiveGasPrice"], quantity(2_875_000_000_u64));
    assert_eq!(
        all[2]["logs"],
        json!([{
            "address": LOGGERS[2].0,
            "topics": [B256::with_last_byte(1), B256::with_last_byte(2)],
            "data": words([1, 2, 3]),
            "blockHash": block,
            "blockNumber": "0x1",
            "blockTimestamp": quantity(GENESIS_TIME + 1),
            "transactionHash": keccak256(&dynamic),
            "transactionIndex": "0x2",
            "logIndex": "0x0",
            "removed": false,
        }])
    );
    assert_eq!(all[3]["type"], "0x4");
}

#[tokio::test]
async fn log_indices_count_over_the_whole_block() {
    let rpc = Rpc::new();
    for nonce in 0..3 {
        rpc.node
            .put(call_of(0, nonce, LOGGERS[1].0, words([nonce])));
    }
    rpc.node.seal();
    let receipts = rpc.ok("eth_getBlockReceipts", json!(["latest"])).await;
    for index in 0..3_usize {
        let expected = quantity(index as u64);
        assert_eq!(receipts[index]["logs"][0]["logIndex"], expected);
        assert_eq!(receipts[index]["logs"][0]["transactionIndex"], expected);
    }
    // The single receipt counts the logs before it as well.
    let hash = &receipts[2]["transactionHash"];
    let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["logs"][0]["logIndex"], "0x2");
}

#[tokio::test]
async fn a_waiting_transaction_has_no_place() {
    let rpc = Rpc::new();
    let bytes = call_of(0, 0, STORER, words([1, 2]));
    let hash = rpc.node.put(bytes.clone());
    let found = rpc.ok("eth_getTransactionByHash", json!([hash])).await;
    for key in ["blockHash", "blockNumber", "transactionIndex"] {
        assert_eq!(found.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(found.get("blockTimestamp"), None);
    assert_eq!(found["from"], json!(account(0)));
    assert_eq!(found["gasPrice"], quantity(20_000_000_000_u64));
    let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt, Value::Null);
    let raw = rpc.ok("eth_getRawTransactionByHash", json!([hash])).await;
    assert_eq!(raw, json!(bytes));
}

#[tokio::test]
async fn a_failed_transaction_has_status_zero_and_no_logs() {
    let rpc = Rpc::new();
    let hash = rpc
        .node
        .put(call_of(0, 0, super::chain::REVERTER, words([1])));
    rpc.node.seal();
    let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x0");
    assert_eq!(receipt["logs"], json!([]));
}

#[tokio::test]
async fn the_genesis_block_is_served_like_any_other() {
    let rpc = Rpc::new();
    let block = rpc
        .ok("eth_getBlockByNumber", json!(["earliest", true]))
        .await;
    assert_eq!(block["number"], "0x0");
    assert_eq!(block["transactions"], json!([]));
    assert_eq!(
        block["hash"],
        json!(rpc.node.engine.genesis_block().rollup_id())
    );
    assert_eq!(block["parentHash"], json!(B256::ZERO));
    assert_eq!(block["miner"], json!(Address::ZERO));
    assert_eq!(block["timestamp"], quantity(GENESIS_TIME));
}
