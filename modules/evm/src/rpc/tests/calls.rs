use super::chain::{
    CALLER, CHAIN_ID, ENVIRONMENT, INVALID, LOADER, LOGGERS, LOOPER, REVERTER, Rpc, STORER,
    account, call_of, quantity, sign, words,
};
use crate::rpc::EthConfig;
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_call_reads_the_state_of_its_block_and_changes_nothing() {
    let rpc = Rpc::new();
    rpc.node.put(call_of(0, 0, STORER, words([5, 77])));
    rpc.node.seal();
    let load = json!({"to": LOADER, "input": words([5])});
    let result = rpc.ok("eth_call", json!([load, "latest"])).await;
    assert_eq!(result, json!(words([0])));
    // The same slot of the contract that was written to.
    let code: Value = rpc.ok("eth_getCode", json!([LOADER])).await;
    let overrides = json!({STORER.to_string(): {"code": code}});
    let load = json!({"to": STORER, "data": words([5])});
    let result = rpc.ok("eth_call", json!([load, "latest", overrides])).await;
    assert_eq!(result, json!(words([77])));
    let result = rpc.ok("eth_call", json!([load, "0x0", overrides])).await;
    assert_eq!(result, json!(words([0])));
    assert_eq!(rpc.ok("eth_call", json!([load])).await, "0x");
}

#[tokio::test]
async fn state_overrides_are_seen_by_one_call_only() {
    let rpc = Rpc::new();
    let slot = B256::with_last_byte(5);
    let load = json!({"to": LOADER, "input": words([5])});
    for (key, expected) in [("state", 9_u64), ("stateDiff", 9)] {
        let overrides =
            json!({LOADER.to_string(): {key: {slot.to_string(): B256::with_last_byte(9)}}});
        let result = rpc.ok("eth_call", json!([load, "latest", overrides])).await;
        assert_eq!(result, json!(words([expected])), "{key}");
    }
    assert_eq!(rpc.ok("eth_call", json!([load])).await, json!(words([0])));
    let poor = Address::repeat_byte(0x55);
    let send = json!({"from": poor, "to": account(0), "value": "0x1"});
    let error = rpc.error("eth_call", json!([send])).await;
    assert_eq!(error["code"], -32000);
    let message = error["message"].as_str().unwrap();
    let expected =
        format!("insufficient funds for gas * price + value: address {poor} have 0 want 1");
    assert_eq!(message, expected);
    let overrides = json!({poor.to_string(): {"balance": "0x1"}});
    assert_eq!(
        rpc.ok("eth_call", json!([send, "latest", overrides])).await,
        "0x"
    );
    for wrong in [
        json!({LOADER.to_string(): {"state": {}, "stateDiff": {}}}),
        json!({LOADER.to_string(): {"unknown": "0x1"}}),
    ] {
        let error = rpc.error("eth_call", json!([load, "latest", wrong])).await;
        assert_eq!(error["code"], -32602, "{wrong}");
    }
}

#[tokio::test]
async fn block_overrides_change_the_environment() {
    let rpc = Rpc::new();
    rpc.node.seal();
    let call = json!({"to": ENVIRONMENT});
    let overrides = json!({
        "number": "0x64", "time": "0x65", "feeRecipient": Address::with_last_byte(0x66),
        "prevRandao": B256::with_last_byte(0x68), "gasLimit": "0x98967f",
    });
    let result = rpc
        .ok("eth_call", json!([call, "latest", {}, overrides]))
        .await;
    // No price is offered, so the base fee is zero.
    assert_eq!(result, json!(words([0x64, 0x65, 0x66, 0, 0x68, 0x98967f])));
    for unsupported in [
        json!({"blobBaseFee": U256::MAX}),
        json!({"number": B256::repeat_byte(0xff)}),
    ] {
        let error = rpc
            .error("eth_call", json!([call, "latest", {}, unsupported]))
            .await;
        assert_eq!(error["code"], -32602);
    }
}

#[tokio::test]
async fn reverts_have_code_3_the_data_and_the_reason() {
    let rpc = Rpc::new();
    // Error(string) with "nope", by Solidity's ABI.
    let reason = hex!(
        "08c379a0000000000000000000000000000000000000000000000000000000000000002000000000000000000000000000000000000000000000000000000000000000046e6f706500000000000000000000000000000000000000000000000000000000"
    );
    // Panic(uint256) with 0x11.
    let panic = hex!("4e487b710000000000000000000000000000000000000000000000000000000000000011");
    let cases: [(&[u8], &str); 5] = [
        (&reason, "execution reverted: nope"),
        (
            &panic,
            "execution reverted: arithmetic underflow or overflow",
        ),
        (&[], "execution reverted"),
        (&[1, 2, 3], "execution reverted"),
        // A selector alone, its arguments missing.
        (&[0x08, 0xc3, 0x79, 0xa0, 0xff], "execution reverted"),
    ];
    for (data, message) in cases {
        let data = Bytes::copy_from_slice(data);
        let call = json!({"to": REVERTER, "input": data});
        for method in ["eth_call", "eth_estimateGas"] {
            let error = rpc.error(method, json!([call])).await;
            assert_eq!(
                error,
                json!({"code": 3, "message": message, "data": data}),
                "{method}"
            );
        }
    }
}

#[tokio::test]
async fn failures_have_geths_words() {
    let rpc = Rpc::new();
    let error = rpc.error("eth_call", json!([{"to": INVALID}])).await;
    assert_eq!(error["code"], -32000);
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("invalid opcode")
    );
    let error = rpc
        .error("eth_call", json!([{"to": LOOPER, "gas": "0x186a0"}]))
        .await;
    assert_eq!(error, json!({"code": -32000, "message": "out of gas"}));
    let error = rpc
        .error("eth_call", json!([{"to": STORER, "gas": "0x1"}]))
        .await;
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .starts_with("intrinsic gas too low")
    );
    let cheap = json!({"from": account(0), "to": STORER, "maxFeePerGas": "0x1"});
    let error = rpc.error("eth_call", json!([cheap])).await;
    let words = "max fee per gas less than block base fee";
    assert!(
        error["message"].as_str().unwrap().starts_with(words),
        "{error}"
    );
}

#[tokio::test]
async fn contradictory_requests_are_invalid_parameters() {
    let rpc = Rpc::new();
    for wrong in [
        json!({"to": STORER, "input": "0x01", "data": "0x02"}),
        json!({"to": STORER, "gasPrice": "0x1", "maxFeePerGas": "0x1"}),
        json!({"to": STORER, "maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}),
        json!({"to": STORER, "chainId": "0x1"}),
        json!({"to": STORER, "blobVersionedHashes": []}),
        json!({"to": "0x12"}),
        json!({"gas": -1}),
    ] {
        let error = rpc.error("eth_call", json!([wrong])).await;
        assert_eq!(error["code"], -32602, "{wrong}: {error}");
    }
    let same =
        json!({"to": STORER, "input": "0x01", "data": "0x01", "chainId": quantity(CHAIN_ID)});
    assert_eq!(rpc.ok("eth_call", json!([same])).await, "0x");
    let unknown_type = json!({"to": STORER, "type": "0x7f"});
    assert_eq!(rpc.ok("eth_call", json!([unknown_type])).await, "0x");
}

#[tokio::test]
async fn the_gas_cap_bounds_a_call_whatever_it_asks_for() {
    let rpc = Rpc::with(EthConfig {
        call_gas_cap: 50_000,
        ..EthConfig::default()
    });
    for gas in [
        json!({"to": LOOPER}),
        json!({"to": LOOPER, "gas": "0xffffffffff"}),
    ] {
        let error = rpc.error("eth_call", json!([gas])).await;
        assert_eq!(error["message"], "out of gas");
    }
    let error = rpc.error("eth_estimateGas", json!([{"to": LOOPER}])).await;
    assert_eq!(error["message"], "gas required exceeds allowance (50000)");
}

#[tokio::test]
async fn the_time_limit_ends_the_wait() {
    let rpc = Rpc::with(EthConfig {
        call_timeout: Duration::ZERO,
        ..EthConfig::default()
    });
    let error = rpc.error("eth_call", json!([{"to": LOOPER}])).await;
    assert_eq!(error["code"], -32000);
    assert!(
        error["message"].as_str().unwrap().contains("timeout"),
        "{error}"
    );
}

/// Gas for minutes of execution.
const WITHOUT_END: u64 = 1 << 50;

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped_and_its_place_is_free_again() {
    let rpc = Rpc::with(EthConfig {
        call_gas_cap: WITHOUT_END,
        call_timeout: Duration::from_millis(250),
        concurrent_calls: 1,
        ..EthConfig::default()
    });
    let endless = json!([{"to": LOOPER}]);
    let error = rpc.error("eth_call", endless).await;
    assert!(
        error["message"].as_str().unwrap().contains("timeout"),
        "{error}"
    );
    // Were the first still running, its only place would be taken for hours. A
    // slow machine may take a while to notice that it is stopped.
    let mut answer = Value::Null;
    for _ in 0..100 {
        answer = rpc.raw("eth_call", &json!([{"to": STORER}])).await;
        if answer["result"] == "0x" {
            return;
        }
    }
    panic!("the place is not free: {answer}");
}

#[tokio::test]
async fn calls_beyond_the_queue_are_refused_at_once_and_cheap_methods_answer() {
    let rpc = Rpc::with(EthConfig {
        call_gas_cap: WITHOUT_END,
        call_timeout: Duration::from_millis(300),
        concurrent_calls: 1,
        max_waiting_calls: 1,
        ..EthConfig::default()
    });
    let endless = || rpc.error("eth_call", json!([{"to": LOOPER}]));
    let crowd = futures_util::future::join_all((0..8).map(|_| endless()));
    let (errors, number) = tokio::join!(crowd, rpc.ok("eth_blockNumber", json!([])));
    assert_eq!(number, "0x0");
    // One ran until its time was over, one waited for it, all others went.
    assert_eq!(errors[0]["code"], -32000, "{errors:?}");
    assert!(
        errors[2..].iter().all(|error| error["code"] == -32005),
        "{errors:?}"
    );
    let message = errors[7]["message"].as_str().unwrap();
    assert!(
        message.starts_with("the node is busy: 1 calls run"),
        "{message}"
    );
}

#[tokio::test]
async fn a_plain_transfer_is_estimated_at_21000() {
    let rpc = Rpc::new();
    let transfer = json!({"from": account(0), "to": account(1), "value": "0x1"});
    assert_eq!(rpc.ok("eth_estimateGas", json!([transfer])).await, "0x5208");
    let state = json!({Address::repeat_byte(0x55).to_string(): {"balance": "0x1"}});
    let transfer = json!({"from": Address::repeat_byte(0x55), "to": account(1), "value": "0x1"});
    let estimate = rpc
        .ok("eth_estimateGas", json!([transfer, "latest", state]))
        .await;
    assert_eq!(estimate, "0x5208");
}

#[tokio::test]
async fn a_sender_that_cannot_pay_is_told_so_by_estimates() {
    let rpc = Rpc::new();
    let more_than_all = U256::from(10).pow(U256::from(24));
    let request = |value: U256, price: u64| json!([{"from": account(0), "to": account(1), "value": value, "maxFeePerGas": quantity(price)}]);
    let error = rpc
        .error("eth_estimateGas", request(more_than_all, 2_000_000_000))
        .await;
    let expected = json!({"code": -32000, "message": "insufficient funds for transfer"});
    assert_eq!(error, expected);
    let error = rpc
        .error("eth_call", request(more_than_all, 2_000_000_000))
        .await;
    let words = "insufficient funds for gas * price + value: address";
    assert!(
        error["message"].as_str().unwrap().starts_with(words),
        "{error}"
    );
    // All but the price of 20,999 gas at 2 gwei.
    let ether = U256::from(10).pow(U256::from(22));
    let nearly_all = ether - U256::from(20_999_u64 * 2_000_000_000);
    let error = rpc
        .error("eth_estimateGas", request(nearly_all, 2_000_000_000))
        .await;
    assert_eq!(error["message"], "gas required exceeds allowance (20999)");
    // One more unit of gas is enough for a transfer.
    let enough = nearly_all - U256::from(2_000_000_000);
    let estimate = rpc
        .ok("eth_estimateGas", request(enough, 2_000_000_000))
        .await;
    assert_eq!(estimate, "0x5208");
}

#[tokio::test]
async fn an_estimate_suffices_when_it_is_sent_and_little_less_does_not() {
    let rpc = Rpc::new();
    let cases: [(Option<Address>, Bytes); 5] = [
        (Some(STORER), words([1, 1])),
        (Some(LOGGERS[4].0), words([1, 2, 3, 4])),
        // The callee gets 63/64 of what is left.
        (Some(CALLER), words([2, 1])),
        // Clearing a slot is refunded after it was paid for.
        (Some(STORER), words([1, 0])),
        (None, Bytes::from_static(&hex!("60015ff3"))),
    ];
    for (nonce, (to, input)) in cases.into_iter().enumerate() {
        let request = json!({"from": account(0), "to": to, "input": input});
        let estimate = rpc.ok("eth_estimateGas", json!([request])).await;
        let gas = u64::from_str_radix(&estimate.as_str().unwrap()[2..], 16).unwrap();
        let status = |gas_limit: u64, from: u32, nonce: u64| {
            let transaction = TxEip1559 {
                chain_id: CHAIN_ID,
                nonce,
                gas_limit,
                max_fee_per_gas: 20_000_000_000,
                max_priority_fee_per_gas: 1,
                to: to.map_or(TxKind::Create, TxKind::Call),
                value: U256::ZERO,
                access_list: Default::default(),
                input: input.clone(),
            };
            rpc.node.put(sign(transaction, from))
        };
        // Within 1.5 %: 3 % less is too little, on the same state.
        let little = gas - gas * 3 / 100;
        let request =
            json!({"from": account(0), "to": to, "input": input, "gas": quantity(little)});
        let short = rpc.raw("eth_call", &json!([request])).await;
        assert!(short.get("error").is_some(), "{little} of {gas}: {short}");
        let hash = status(gas, 0, nonce as u64);
        rpc.node.seal();
        let receipt = rpc.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{gas}");
    }
}
