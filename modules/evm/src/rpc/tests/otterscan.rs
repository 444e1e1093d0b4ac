//! What the Otterscan explorer asks (API level 8), and a search over all
//! blocks to compare its own with.

use super::chain::{
    CALLER, COINBASE, LOADER, LOGGERS, REVERTER, Rpc, STORER, access_listed, account, call_of,
    delegating, legacy, quantity, words,
};
use crate::rpc::EthConfig;
use alloy_primitives::{Address, B256, Bytes, hex};
use serde_json::{Value, json};

/// A chain with transactions of several kinds in several blocks.
fn chain() -> Rpc {
    let rpc = Rpc::new();
    rpc.node.seal();
    for round in 0..4_u64 {
        rpc.node
            .put(call_of(0, 2 * round, STORER, words([5, round])));
        rpc.node.put(call_of(0, 2 * round + 1, LOADER, words([5])));
        rpc.node.seal();
        rpc.node
            .put(call_of(1, 2 * round, CALLER, words([6, round + 1])));
        rpc.node.put(legacy(1, 2 * round + 1));
        rpc.node.seal();
    }
    rpc.node.put(access_listed(2, 0));
    rpc.node.put(delegating(3, 0));
    rpc.node.seal();
    rpc
}

fn hashes(page: &Value) -> Vec<String> {
    let txs = page["txs"].as_array().unwrap().iter();
    txs.map(|tx| tx["hash"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn the_level_is_8() {
    let rpc = Rpc::new();
    assert_eq!(rpc.ok("ots_getApiLevel", json!([])).await, 8);
}

#[tokio::test]
async fn code_is_there_or_not() {
    let rpc = Rpc::new();
    assert_eq!(rpc.ok("ots_hasCode", json!([STORER, "latest"])).await, true);
    assert_eq!(
        rpc.ok("ots_hasCode", json!([account(0), "latest"])).await,
        false
    );
}

#[tokio::test]
async fn a_block_has_details_and_pages() {
    let rpc = chain();
    let details = rpc.ok("ots_getBlockDetails", json!([2])).await;
    let block = rpc.ok("eth_getBlockByNumber", json!(["0x2", true])).await;
    assert_eq!(details["block"]["hash"], block["hash"]);
    assert_eq!(details["block"]["transactionCount"], 2);
    assert!(details["block"].get("transactions").is_none());
    assert_eq!(details["block"]["logsBloom"], Value::Null);
    assert_eq!(details["issuance"]["issuance"], "0x0");
    let by_hash = rpc
        .ok("ots_getBlockDetailsByHash", json!([block["hash"]]))
        .await;
    assert_eq!(by_hash, details);
    assert_eq!(
        rpc.ok("ots_getBlockDetails", json!([99])).await,
        Value::Null
    );

    let page = rpc.ok("ots_getBlockTransactions", json!([2, 0, 1])).await;
    let txs = page["fullblock"]["transactions"].as_array().unwrap();
    assert_eq!(txs.len(), 1);
    assert_eq!(
        txs[0]["hash"], block["transactions"][1]["hash"],
        "from the last"
    );
    assert_eq!(page["fullblock"]["transactionCount"], 2);
    let receipt = &page["receipts"][0];
    assert_eq!(receipt["transactionHash"], txs[0]["hash"]);
    assert_eq!(receipt["logs"], Value::Null);
    assert_eq!(receipt["logsBloom"], Value::Null);
    assert_eq!(receipt["timestamp"], block["timestamp"]);
    let page = rpc.ok("ots_getBlockTransactions", json!([2, 9, 25])).await;
    assert_eq!(page["fullblock"]["transactions"], json!([]));
    let error = rpc
        .error("ots_getBlockTransactions", json!([2, 0, 101]))
        .await;
    assert_eq!(error["code"], -32602);

    let header = rpc.ok("erigon_getHeaderByNumber", json!([2])).await;
    assert_eq!(header["hash"], block["hash"]);
}

#[tokio::test]
async fn a_transaction_is_traced_and_its_error_found() {
    let rpc = Rpc::new();
    rpc.node.seal();
    let data = words([0xbad]);
    let called = rpc.node.put(call_of(0, 0, CALLER, words([5, 77])));
    let failed = rpc.node.put(call_of(0, 1, REVERTER, data.clone()));
    rpc.node.seal();
    let trace = rpc.ok("ots_traceTransaction", json!([called])).await;
    assert_eq!(
        trace,
        json!([
            {
                "type": "CALL", "depth": 0, "from": account(0).to_string().to_lowercase(),
                "to": format!("{CALLER:#x}"), "value": "0x0", "input": words([5, 77]),
                "output": "0x",
            },
            {
                "type": "CALL", "depth": 1, "from": format!("{CALLER:#x}"),
                "to": format!("{STORER:#x}"), "value": "0x0", "input": words([5, 77]),
                "output": "0x",
            },
        ])
    );
    let error = rpc.ok("ots_getTransactionError", json!([failed])).await;
    assert_eq!(error, json!(data));
    let error = rpc.ok("ots_getTransactionError", json!([called])).await;
    assert_eq!(error, "0x");
    let none = rpc.ok("ots_getInternalOperations", json!([called])).await;
    assert_eq!(none, json!([]));
}

#[tokio::test]
async fn ether_that_a_contract_hands_on_is_an_internal_operation() {
    let rpc = Rpc::new();
    rpc.node.seal();
    // Init code: CALL with one wei to 0x77, and no code to deploy.
    let mut init = hex!("5f5f5f5f600160775af1505f5ff3").to_vec();
    init.resize(32, 0);
    let transaction = alloy_consensus::TxEip1559 {
        chain_id: super::chain::CHAIN_ID,
        nonce: 0,
        gas_limit: 300_000,
        max_fee_per_gas: 20_000_000_000,
        max_priority_fee_per_gas: 1,
        to: alloy_primitives::TxKind::Create,
        value: alloy_primitives::U256::from(1),
        access_list: Default::default(),
        input: Bytes::from(init),
    };
    let hash = rpc.node.put(super::chain::sign(transaction, 0));
    rpc.node.seal();
    let to = Address::with_last_byte(0x77);
    let operations = rpc.ok("ots_getInternalOperations", json!([hash])).await;
    let created = account(0).create(0);
    assert_eq!(
        operations,
        json!([{"type": 0, "from": format!("{created:#x}"), "to": to, "value": "0x1"}])
    );
    // It is found at the one who was paid.
    let page = rpc
        .ok("ots_searchTransactionsBefore", json!([to, 0, 25]))
        .await;
    assert_eq!(hashes(&page), [hash.to_string()]);
}

#[tokio::test]
async fn a_search_finds_what_a_look_at_all_blocks_finds() {
    let rpc = chain();
    let mut all: Vec<Value> = Vec::new();
    let head = rpc.node.engine.heads().unwrap().latest.number;
    for number in 0..=head {
        let block = rpc
            .ok("eth_getBlockByNumber", json!([quantity(number), true]))
            .await;
        all.extend(block["transactions"].as_array().unwrap().clone());
    }
    let calls_storer = |tx: &Value| tx["to"] == json!(CALLER) || tx["to"] == json!(STORER);
    let named =
        |tx: &Value, address: Address| tx["from"] == json!(address) || tx["to"] == json!(address);
    let addresses = [account(0), account(1), account(9), LOADER, CALLER, STORER];
    for address in addresses {
        let mut expected: Vec<String> = all
            .iter()
            .filter(|tx| named(tx, address) || (address == STORER && calls_storer(tx)))
            .map(|tx| tx["hash"].as_str().unwrap().to_owned())
            .collect();
        expected.reverse();
        assert!(!expected.is_empty());
        // Down from the head, and up from genesis, three at a time.
        let (mut down, mut at) = (Vec::new(), 0);
        loop {
            let page = rpc
                .ok("ots_searchTransactionsBefore", json!([address, at, 3]))
                .await;
            assert_eq!(page["firstPage"], at == 0);
            down.extend(hashes(&page));
            let last = page["txs"].as_array().unwrap().last().cloned();
            if page["lastPage"] == true {
                break;
            }
            let number = last.unwrap()["blockNumber"].as_str().unwrap().to_owned();
            at = u64::from_str_radix(&number[2..], 16).unwrap();
        }
        assert_eq!(down, expected, "{address}");
        let (mut up, mut at) = (Vec::new(), 0);
        loop {
            let page = rpc
                .ok("ots_searchTransactionsAfter", json!([address, at, 3]))
                .await;
            assert_eq!(page["lastPage"], at == 0);
            let mut found = hashes(&page);
            found.extend(up);
            up = found;
            if page["firstPage"] == true {
                break;
            }
            let number = page["txs"][0]["blockNumber"].as_str().unwrap().to_owned();
            at = u64::from_str_radix(&number[2..], 16).unwrap();
        }
        assert_eq!(up, expected, "{address}");
    }
    let nobody = Address::repeat_byte(0x99);
    let page = rpc
        .ok("ots_searchTransactionsBefore", json!([nobody, 0, 3]))
        .await;
    let empty = json!({"txs": [], "receipts": [], "firstPage": true, "lastPage": true});
    assert_eq!(page, empty);
    for size in [0, 101] {
        let params = json!([nobody, 0, size]);
        let error = rpc.error("ots_searchTransactionsBefore", params).await;
        assert_eq!(error["code"], -32602);
    }
}

#[tokio::test]
async fn what_left_the_chain_is_not_found() {
    let rpc = Rpc::new();
    let parent = rpc.node.seal();
    rpc.node.put(call_of(0, 0, LOADER, words([5])));
    rpc.node.seal();
    let params = json!([LOADER, 0, 25]);
    let page = rpc.ok("ots_searchTransactionsBefore", params.clone()).await;
    assert_eq!(hashes(&page).len(), 1);
    rpc.node.make(parent, 7, Vec::new());
    let page = rpc.ok("ots_searchTransactionsBefore", params).await;
    assert_eq!(hashes(&page).len(), 0);
}

#[tokio::test]
async fn who_receives_all_fees_is_too_much_to_search() {
    let rpc = Rpc::with(EthConfig {
        max_trace_blocks: 2,
        ..EthConfig::default()
    });
    for nonce in 0..4 {
        rpc.node.put(legacy(0, nonce));
        rpc.node.seal();
    }
    let params = json!([COINBASE, 0, 25]);
    let error = rpc.error("ots_searchTransactionsBefore", params).await;
    assert_eq!(error["code"], -32000);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("continue from block"), "{message}");
}

#[tokio::test]
async fn nonces_and_creators_are_found() {
    let rpc = chain();
    for (index, nonce) in [(0, 0_u64), (0, 7), (1, 3), (2, 0)] {
        let hash = rpc
            .ok(
                "ots_getTransactionBySenderAndNonce",
                json!([account(index), nonce]),
            )
            .await;
        let tx = rpc.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(tx["from"], format!("{:#x}", account(index)));
        assert_eq!(tx["nonce"], quantity(nonce));
    }
    let unused = json!([account(0), 8]);
    let none = rpc.ok("ots_getTransactionBySenderAndNonce", unused).await;
    assert_eq!(none, Value::Null);
    let created = account(2).create(0);
    let creator = rpc.ok("ots_getContractCreator", json!([created])).await;
    assert_eq!(creator["creator"], format!("{:#x}", account(2)));
    let receipt = rpc
        .ok("eth_getTransactionReceipt", json!([creator["hash"]]))
        .await;
    assert_eq!(receipt["contractAddress"], format!("{created:#x}"));
    for nobody in [account(0), account(4), STORER, LOGGERS[0].0] {
        let none = rpc.ok("ots_getContractCreator", json!([nobody])).await;
        assert_eq!(none, Value::Null, "{nobody}");
    }
    let unknown = rpc.ok("ots_traceTransaction", json!([B256::ZERO])).await;
    assert_eq!(unknown, Value::Null);
}
