use super::chain::{CHAIN_ID, Rpc, STORER, account, call_of, legacy, sign, words};
use crate::{genesis::dev_account, rpc::EthConfig};
use alloy_consensus::TxLegacy;
use alloy_primitives::{Bytes, TxKind, U256, keccak256};
use rollwright_core::SubmitError;
use serde_json::json;
use std::time::Duration;

fn dev() -> Rpc {
    let dev_keys = (0..3)
        .map(|index| dev_account(index).unwrap().key)
        .collect();
    Rpc::with(EthConfig {
        dev_keys,
        ..EthConfig::default()
    })
}

#[tokio::test]
async fn a_raw_transaction_is_answered_with_its_hash() {
    let rpc = Rpc::new();
    let bytes = legacy(0, 0);
    let hash = rpc.ok("eth_sendRawTransaction", json!([bytes])).await;
    assert_eq!(hash, json!(keccak256(&bytes)));
    rpc.node.seal();
    let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["status"], "0x1");
}

#[tokio::test]
async fn refusals_reach_the_client() {
    let rpc = Rpc::new();
    rpc.node
        .refuse(Some(SubmitError::Underpriced { required: 9 }));
    let error = rpc
        .error("eth_sendRawTransaction", json!([legacy(0, 0)]))
        .await;
    let expected = json!({"code": -32000, "message": "replacement transaction underpriced"});
    assert_eq!(error, expected);
    rpc.node.refuse(None);
    let foreign = TxLegacy {
        chain_id: Some(CHAIN_ID + 1),
        nonce: 0,
        gas_price: 5_000_000_000,
        gas_limit: 21_000,
        to: TxKind::Call(account(1)),
        value: U256::ZERO,
        input: Bytes::new(),
    };
    for bytes in [
        sign(foreign, 0),
        Bytes::from_static(&[1, 2, 3]),
        Bytes::new(),
    ] {
        let error = rpc.error("eth_sendRawTransaction", json!([bytes])).await;
        assert_eq!(error["code"], -32000, "{error}");
    }
}

#[tokio::test]
async fn the_synchronous_form_answers_the_receipt() {
    let rpc = Rpc::new();
    let bytes = call_of(0, 0, STORER, words([1, 2]));
    let params = json!([bytes]);
    let answer = rpc.ok("eth_sendRawTransactionSync", params.clone());
    let sealing = async {
        // The pool has it before the block is made.
        while rollwright_core::NodeApi::pool_content(&rpc.node, 1).is_empty() {
            tokio::task::yield_now().await;
        }
        rpc.node.seal()
    };
    let (receipt, block) = tokio::join!(answer, sealing);
    assert_eq!(receipt["transactionHash"], json!(keccak256(&bytes)));
    assert_eq!(receipt["blockHash"], json!(block.hash));
    // Sent again it is known, and mined: the same receipt.
    let hash = keccak256(&bytes);
    rpc.node.refuse(Some(SubmitError::AlreadyKnown(hash)));
    assert_eq!(rpc.ok("eth_sendRawTransactionSync", params).await, receipt);
}

#[tokio::test]
async fn the_synchronous_form_ends_with_code_4_and_the_hash() {
    let rpc = Rpc::with(EthConfig {
        max_sync_timeout: Duration::from_millis(1),
        ..EthConfig::default()
    });
    let bytes = legacy(0, 0);
    let error = rpc
        .error("eth_sendRawTransactionSync", json!([bytes, 50_000]))
        .await;
    assert_eq!(error["code"], 4);
    assert_eq!(error["data"], json!(keccak256(&bytes)));
}

#[tokio::test]
async fn development_accounts_sign_for_their_owner() {
    let rpc = dev();
    let accounts = rpc.ok("eth_accounts", json!([])).await;
    assert_eq!(accounts, json!([account(0), account(1), account(2)]));
    let cases = [
        (
            json!({"from": account(0), "to": account(5), "value": "0x7"}),
            "0x2",
        ),
        (
            json!({"from": account(0), "to": account(5), "gasPrice": "0x77359400"}),
            "0x0",
        ),
        (
            json!({"from": account(0), "to": account(5), "gasPrice": "0x77359400", "accessList": []}),
            "0x1",
        ),
        (json!({"from": account(1), "input": "0x60015ff3"}), "0x2"),
        (
            json!({"from": account(2), "to": STORER, "data": words([1, 2]), "gas": "0x30d40"}),
            "0x2",
        ),
    ];
    let mut hashes = Vec::new();
    for (request, kind) in cases {
        // The second and third find the nonce behind what waits.
        let hash = rpc.ok("eth_sendTransaction", json!([request])).await;
        let waiting = rpc.ok("eth_getTransactionByHash", json!([hash])).await;
        assert_eq!(waiting["from"], request["from"]);
        assert_eq!(waiting["type"], kind, "{request}");
        hashes.push(hash);
    }
    rpc.node.seal();
    for hash in hashes {
        let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{receipt}");
    }
}

#[tokio::test]
async fn nobody_signs_for_others_or_outside_of_development() {
    let rpc = dev();
    let foreign = json!([{"from": account(7), "to": account(0)}]);
    let error = rpc.error("eth_sendTransaction", foreign).await;
    assert_eq!(error, json!({"code": -32000, "message": "unknown account"}));
    let nobody = json!([{"to": account(0)}]);
    assert_eq!(
        rpc.error("eth_sendTransaction", nobody).await["code"],
        -32602
    );
    let production = Rpc::new();
    for method in ["eth_sendTransaction", "evm_mine"] {
        assert_eq!(production.error(method, json!([])).await["code"], -32601);
    }
}

#[tokio::test]
async fn blocks_are_mined_on_demand_where_the_node_does_so() {
    let rpc = dev();
    let error = rpc.error("evm_mine", json!([])).await;
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("--block-time auto")
    );
    rpc.node.set_mines(true);
    assert_eq!(rpc.ok("evm_mine", json!([])).await, "0x0");
    assert_eq!(rpc.ok("eth_blockNumber", json!([])).await, "0x1");
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_with_its_place() {
    let node = super::chain::FakeNode::new();
    let config = EthConfig {
        dev_keys: vec![dev_account(0).unwrap().key, alloy_primitives::B256::ZERO],
        ..EthConfig::default()
    };
    let api = std::sync::Arc::new(node.clone());
    let error = crate::rpc::eth_module(&node.engine, api, config).unwrap_err();
    assert!(error.to_string().contains("key 1"), "{error}");
}
