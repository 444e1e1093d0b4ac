//! What blocks of a sandbox say of themselves because they were asked to.

use super::{CONTRACT, Chain, START, account};
use alloy_primitives::{B256, U256};
use serde_json::{Value, json};

async fn latest(chain: &Chain) -> Value {
    chain
        .ok("eth_getBlockByNumber", json!(["latest", false]))
        .await
}

#[tokio::test]
async fn the_next_block_has_the_base_fee_and_the_randomness_that_were_asked_for() {
    for names in ["anvil", "hardhat"] {
        let chain = Chain::new();
        let method = format!("{names}_setNextBlockBaseFeePerGas");
        chain.ok(&method, json!(["0x3b9aca07"])).await;
        let random = B256::repeat_byte(0x42);
        chain.ok("hardhat_setPrevRandao", json!([random])).await;
        // Stores PREVRANDAO.
        let code = json!([CONTRACT, "0x445f5500"]);
        chain.ok("anvil_setCode", code).await;
        let request = json!({"from": account(0), "to": CONTRACT, "gas": "0x20000"});
        chain.ok("eth_sendTransaction", json!([request])).await;
        let block = latest(&chain).await;
        assert_eq!(block["baseFeePerGas"], "0x3b9aca07", "{names}");
        assert_eq!(block["mixHash"], json!(random), "{names}");
        assert_eq!(block["transactions"].as_array().unwrap().len(), 1);
        let stored = chain
            .ok("eth_getStorageAt", json!([CONTRACT, "0x0", "latest"]))
            .await;
        assert_eq!(stored, json!(random), "transactions see it");
        // The one after follows the rules again.
        chain.ok("evm_mine", json!([])).await;
        let next = latest(&chain).await;
        assert_ne!(next["mixHash"], json!(random));
        let fee: U256 = serde_json::from_value(next["baseFeePerGas"].clone()).unwrap();
        assert!(fee < U256::from(0x3b9a_ca07_u64), "{fee}");
    }
}

#[tokio::test]
async fn a_transaction_below_the_base_fee_that_was_asked_for_waits() {
    let chain = Chain::new();
    chain
        .ok("hardhat_setNextBlockBaseFeePerGas", json!(["0x174876e800"]))
        .await;
    let request = json!({
        "from": account(0), "to": account(1), "gas": "0x5208",
        "maxFeePerGas": "0x4a817c800", "maxPriorityFeePerGas": "0x1",
    });
    chain.ok("eth_sendTransaction", json!([request])).await;
    assert_eq!(latest(&chain).await["number"], "0x0");
}

#[tokio::test]
async fn a_snapshot_keeps_what_the_next_block_was_asked_for() {
    let chain = Chain::new();
    chain
        .ok("anvil_setNextBlockBaseFeePerGas", json!(["0x77"]))
        .await;
    let id = chain.ok("evm_snapshot", json!([])).await;
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(latest(&chain).await["baseFeePerGas"], "0x77");
    chain.ok("evm_revert", json!([id])).await;
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(latest(&chain).await["baseFeePerGas"], "0x77");
}

#[tokio::test]
async fn blocks_keep_an_interval_until_it_is_removed() {
    let chain = Chain::new();
    chain
        .ok("anvil_setBlockTimestampInterval", json!([100]))
        .await;
    for number in 1..=2_u64 {
        chain.ok("evm_mine", json!([])).await;
        let time = format!("{:#x}", START + 100 * number);
        assert_eq!(latest(&chain).await["timestamp"], time);
    }
    let removed = "anvil_removeBlockTimestampInterval";
    assert_eq!(chain.ok(removed, json!([])).await, true);
    assert_eq!(chain.ok(removed, json!([])).await, false);
    chain.ok("evm_mine", json!([])).await;
    let time = format!("{:#x}", START + 201);
    assert_eq!(latest(&chain).await["timestamp"], time);
}

#[tokio::test]
async fn gas_limits_time_and_balances_are_set_by_every_name() {
    let chain = Chain::new();
    chain.ok("evm_setBlockGasLimit", json!(["0x1c9c381"])).await;
    assert_eq!(
        chain.code("evm_setBlockGasLimit", json!(["0x1"])).await,
        -32602
    );
    chain.ok("evm_setTime", json!([START + 5_000])).await;
    chain.ok("evm_mine", json!([])).await;
    let block = latest(&chain).await;
    assert_eq!(block["gasLimit"], "0x1c9c381");
    assert_eq!(block["timestamp"], format!("{:#x}", START + 5_000));
    chain
        .ok("evm_setAccountBalance", json!([CONTRACT, "0x5"]))
        .await;
    chain.ok("anvil_addBalance", json!([CONTRACT, "0x2"])).await;
    let balance = chain
        .ok("eth_getBalance", json!([CONTRACT, "latest"]))
        .await;
    assert_eq!(balance, "0x7");
    chain.ok("anvil_reset", json!([])).await;
    chain.ok("evm_mine", json!([])).await;
    let block = latest(&chain).await;
    assert_ne!(block["gasLimit"], "0x1c9c381", "a reset forgets it");
    assert_eq!(
        block["timestamp"],
        format!("{:#x}", START + 1),
        "and the time"
    );
}

#[tokio::test]
async fn what_is_sent_unsigned_is_sent_as_anybody() {
    let chain = Chain::new();
    chain
        .ok("anvil_setBalance", json!([CONTRACT, "0xde0b6b3a7640000"]))
        .await;
    let request = json!({"from": CONTRACT, "to": account(1), "value": "0x1"});
    let hash = chain
        .ok("eth_sendUnsignedTransaction", json!([request]))
        .await;
    let receipt = chain.ok("eth_getTransactionReceipt", json!([hash])).await;
    assert_eq!(receipt["from"], format!("{CONTRACT:#x}"));
    assert_eq!(receipt["status"], "0x1");
}

#[tokio::test]
async fn all_that_waits_is_dropped() {
    let chain = Chain::new();
    chain.ok("evm_setAutomine", json!([false])).await;
    let request = json!({"from": account(0), "to": account(1)});
    chain.ok("eth_sendTransaction", json!([request])).await;
    chain.ok("anvil_dropAllTransactions", json!([])).await;
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(latest(&chain).await["transactions"], json!([]));
}
