use super::chain::{FakeNode, LOGGERS, Rpc, call_of, quantity, words};
use crate::rpc::EthConfig;
use alloy_primitives::{Address, B256};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

/// Emits logs from all five contracts over `blocks` blocks.
fn emit(node: &FakeNode, blocks: u64) {
    let mut nonce = 0;
    for block in 0..blocks {
        for step in 0..4 {
            let logger = usize::try_from((block + step) % 5).unwrap();
            let topics = words([step % 3, block % 3, (block + step) % 3, 1]);
            node.put(call_of(0, nonce, LOGGERS[logger].0, topics));
            nonce += 1;
        }
        node.seal();
    }
}

/// All logs of the chain, read from receipts.
async fn all(rpc: &Rpc, blocks: u64) -> Vec<Value> {
    let mut logs = Vec::new();
    for number in 0..=blocks {
        let receipts = rpc
            .ok("eth_getBlockReceipts", json!([quantity(number)]))
            .await;
        for receipt in receipts.as_array().unwrap() {
            logs.extend(receipt["logs"].as_array().unwrap().iter().cloned());
        }
    }
    logs
}

/// The rule as execution-apis words it, on JSON.
fn admits(log: &Value, from: u64, to: u64, addresses: &[Address], topics: &[Vec<B256>]) -> bool {
    let number = u64::from_str_radix(&log["blockNumber"].as_str().unwrap()[2..], 16).unwrap();
    let address: Address = serde_json::from_value(log["address"].clone()).unwrap();
    let found: Vec<B256> = serde_json::from_value(log["topics"].clone()).unwrap();
    let positions = topics.iter().enumerate().all(|(position, wanted)| {
        wanted.is_empty()
            || found
                .get(position)
                .is_some_and(|topic| wanted.contains(topic))
    });
    (from..=to).contains(&number)
        && (addresses.is_empty() || addresses.contains(&address))
        && positions
}

#[tokio::test]
async fn filters_admit_what_a_naive_search_admits() {
    let rpc = Rpc::new();
    let blocks = 12;
    emit(&rpc.node, blocks);
    let everything = all(&rpc, blocks).await;
    assert_eq!(everything.len(), 48);
    let topic = (0..4_u8).prop_map(B256::with_last_byte);
    let address = (0..6_usize).prop_map(|index| {
        LOGGERS
            .get(index)
            .map_or(Address::repeat_byte(9), |(address, _)| *address)
    });
    let strategy = (
        0..=blocks,
        0..=blocks,
        prop::collection::vec(address, 0..3),
        prop::collection::vec(prop::collection::vec(topic, 0..3), 0..=4),
    );
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    for _ in 0..200 {
        let case = strategy.new_tree(&mut runner).unwrap().current();
        let (first, second, addresses, topics) = case;
        let (from, to) = (first.min(second), first.max(second));
        let positions: Vec<Value> = topics
            .iter()
            .map(|position| match position.as_slice() {
                [] => Value::Null,
                [single] => json!(single),
                many => json!(many),
            })
            .collect();
        let mut filter =
            json!({"fromBlock": quantity(from), "toBlock": quantity(to), "topics": positions});
        match addresses.as_slice() {
            [] => {}
            [single] => filter["address"] = json!(single),
            many => filter["address"] = json!(many),
        }
        let expected: Vec<&Value> = everything
            .iter()
            .filter(|log| admits(log, from, to, &addresses, &topics))
            .collect();
        let found = rpc.ok("eth_getLogs", json!([filter])).await;
        assert_eq!(found, json!(expected), "{filter}");
    }
}

#[tokio::test]
async fn a_block_hash_names_exactly_its_block() {
    let rpc = Rpc::new();
    emit(&rpc.node, 3);
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x2", false])).await;
    let by_hash = rpc
        .ok("eth_getLogs", json!([{"blockHash": block["hash"]}]))
        .await;
    let range = json!([{"fromBlock": "0x2", "toBlock": "0x2"}]);
    assert_eq!(by_hash, rpc.ok("eth_getLogs", range).await);
    assert_eq!(by_hash.as_array().unwrap().len(), 4);
    let unknown = json!([{"blockHash": B256::repeat_byte(1)}]);
    let error = rpc.error("eth_getLogs", unknown).await;
    assert_eq!(error, json!({"code": -32000, "message": "unknown block"}));
    let both = json!([{"blockHash": block["hash"], "fromBlock": "0x1"}]);
    assert_eq!(rpc.error("eth_getLogs", both).await["code"], -32602);
}

#[tokio::test]
async fn without_a_range_the_latest_block_is_searched() {
    let rpc = Rpc::new();
    emit(&rpc.node, 3);
    let found = rpc.ok("eth_getLogs", json!([{}])).await;
    let found = found.as_array().unwrap();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|log| log["blockNumber"] == "0x3"));
}

#[tokio::test]
async fn reversed_and_future_ranges_are_errors() {
    let rpc = Rpc::new();
    emit(&rpc.node, 3);
    let cases = [
        (
            json!({"fromBlock": "0x2", "toBlock": "0x1"}),
            "invalid block range params",
        ),
        (
            json!({"fromBlock": "0x1", "toBlock": "0x4"}),
            "block range extends beyond current head block",
        ),
        (
            json!({"fromBlock": "0x5", "toBlock": "0x6"}),
            "block range extends beyond current head block",
        ),
    ];
    for (filter, message) in cases {
        let error = rpc.error("eth_getLogs", json!([filter])).await;
        assert_eq!(error, json!({"code": -32602, "message": message}));
    }
}

#[tokio::test]
async fn limits_say_how_to_narrow_the_query() {
    let rpc = Rpc::with(EthConfig {
        max_logs: 10,
        max_log_blocks: 5,
        ..EthConfig::default()
    });
    emit(&rpc.node, 8);
    let too_wide = json!([{"fromBlock": "0x1", "toBlock": "0x8"}]);
    let error = rpc.error("eth_getLogs", too_wide).await;
    assert_eq!(error["code"], -32602);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("fromBlock 0x1, toBlock 0x5"),
        "{error}"
    );
    let too_many = json!([{"fromBlock": "0x1", "toBlock": "0x4"}]);
    let error = rpc.error("eth_getLogs", too_many).await;
    assert_eq!(error["code"], -32000);
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("max results 10") && message.contains("0x1-0x2"),
        "{message}"
    );
    // The range that the message names is answered.
    let narrowed = json!([{"fromBlock": "0x1", "toBlock": "0x2"}]);
    assert_eq!(
        rpc.ok("eth_getLogs", narrowed)
            .await
            .as_array()
            .unwrap()
            .len(),
        8
    );
    let addresses = vec![Address::ZERO; 1];
    assert_eq!(
        rpc.ok("eth_getLogs", json!([{"address": addresses}])).await,
        json!([])
    );
}
