//! A sandbox by its methods, as test suites call it.

mod pretended;

use super::Sandbox;
use crate::{
    engine::EvmEngine,
    genesis::{DevGenesis, dev_account},
    rpc::{EthConfig, eth_module},
    store::{History, StoreOptions},
};
use alloy_primitives::{Address, B256, U256, address};
use jsonrpsee::Methods;
use rollwright_core::{Clock as _, ManualClock, NodeApi as _, NodeEvent};
use rollwright_derive::{DevChain, RollupConfig};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const START: u64 = 1_700_000_000;
const CONTRACT: Address = address!("0x00000000000000000000000000000000c0de0001");
/// Stores the second word of its call data at the slot in the first.
const STORER: &str = "0x6020355f355500";

struct Chain {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    methods: Methods,
}

fn engine() -> EvmEngine {
    let rollup = RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    let genesis = DevGenesis::new(START, rollup).genesis();
    let config = crate::engine::EvmConfig {
        store: StoreOptions {
            history: History::Archive,
            ..StoreOptions::default()
        },
        ..crate::engine::EvmConfig::in_memory(genesis)
    };
    let engine = EvmEngine::open(config).unwrap();
    engine.init().unwrap();
    engine
}

impl Chain {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(START * 1000));
        let sandbox = Sandbox::new(engine(), clock.clone()).unwrap();
        let config = EthConfig {
            dev_keys: (0..3)
                .map(|index| dev_account(index).unwrap().key)
                .collect(),
            sandbox: Some(sandbox.clone()),
            ..EthConfig::default()
        };
        let node = Arc::new(sandbox.clone());
        let methods = eth_module(sandbox.engine(), node, config).unwrap();
        Self {
            sandbox,
            clock,
            methods,
        }
    }

    async fn raw(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self
            .methods
            .raw_json_request(&request.to_string(), 16)
            .await;
        serde_json::from_str(answer.unwrap().0.get()).unwrap()
    }

    async fn ok(&self, method: &str, params: Value) -> Value {
        let mut answer = self.raw(method, params.clone()).await;
        assert!(answer.get("error").is_none(), "{method} {params}: {answer}");
        answer["result"].take()
    }

    async fn code(&self, method: &str, params: Value) -> i64 {
        let answer = self.raw(method, params.clone()).await;
        answer["error"]["code"]
            .as_i64()
            .unwrap_or_else(|| panic!("{method} {params}: {answer}"))
    }

    async fn balance(&self, of: Address) -> Value {
        self.ok("eth_getBalance", json!([of])).await
    }

    async fn number(&self) -> Value {
        self.ok("eth_blockNumber", json!([])).await
    }

    async fn timestamp(&self) -> u64 {
        let block = self.ok("eth_getBlockByNumber", json!(["latest"])).await;
        let time = block["timestamp"].as_str().unwrap().to_owned();
        u64::from_str_radix(&time[2..], 16).unwrap()
    }

    /// Sends, and expects success in a block.
    async fn send(&self, request: Value) -> Value {
        let hash = self.ok("eth_sendTransaction", json!([request])).await;
        let receipt = self.ok("eth_getTransactionReceipt", json!([hash])).await;
        assert_eq!(receipt["status"], "0x1", "{request}");
        receipt
    }
}

fn account(index: u32) -> Address {
    dev_account(index).unwrap().address
}

fn words(words: [u64; 2]) -> Value {
    json!(format!("0x{:064x}{:064x}", words[0], words[1]))
}

#[tokio::test]
async fn a_transaction_is_mined_at_once() {
    let chain = Chain::new();
    let to = Address::repeat_byte(0x77);
    let receipt = chain
        .send(json!({"from": account(0), "to": to, "value": "0x5"}))
        .await;
    assert_eq!(receipt["blockNumber"], "0x1");
    assert_eq!(chain.balance(to).await, "0x5");
}

#[tokio::test]
async fn without_automine_it_waits_for_a_block() {
    let chain = Chain::new();
    chain.ok("evm_setAutomine", json!([false])).await;
    assert_eq!(chain.ok("hardhat_getAutomine", json!([])).await, false);
    let mut hashes = Vec::new();
    for _ in 0..3 {
        let request = json!({"from": account(0), "to": account(1), "value": "0x5"});
        hashes.push(chain.ok("eth_sendTransaction", json!([request])).await);
    }
    assert_eq!(chain.number().await, "0x0");
    let waiting = chain
        .ok("eth_getTransactionByHash", json!([hashes[2]]))
        .await;
    assert_eq!(waiting["nonce"], "0x2");
    let status = chain.ok("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x3", "queued": "0x0"}));
    chain.ok("anvil_dropTransaction", json!([hashes[0]])).await;
    let status = chain.ok("txpool_status", json!([])).await;
    assert_eq!(status, json!({"pending": "0x0", "queued": "0x2"}));
    chain.ok("evm_mine", json!([])).await;
    let request = json!({"from": account(0), "to": account(1), "nonce": "0x0"});
    chain.ok("eth_sendTransaction", json!([request])).await;
    chain.ok("evm_mine", json!([])).await;
    let block = chain.ok("eth_getBlockByNumber", json!(["0x2"])).await;
    assert_eq!(block["transactions"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_snapshot_brings_everything_back_once() {
    let chain = Chain::new();
    let poor = Address::repeat_byte(0x77);
    chain.ok("anvil_setBalance", json!([poor, "0x1"])).await;
    let id = chain.ok("evm_snapshot", json!([])).await;
    let later = chain.ok("evm_snapshot", json!([])).await;
    assert_ne!(id, later);
    chain.ok("hardhat_setBalance", json!([poor, "0x2"])).await;
    chain
        .send(json!({"from": account(0), "to": poor, "value": "0x5"}))
        .await;
    chain.ok("anvil_mine", json!(["0x3"])).await;
    assert_eq!(chain.balance(poor).await, "0x7");
    assert_eq!(chain.number().await, "0x4");
    assert_eq!(chain.ok("evm_revert", json!([id])).await, true);
    assert_eq!(chain.number().await, "0x0");
    assert_eq!(chain.balance(poor).await, "0x1");
    let nonce = chain
        .ok("eth_getTransactionCount", json!([account(0)]))
        .await;
    assert_eq!(nonce, "0x0");
    for gone in [id, later] {
        assert_eq!(chain.ok("evm_revert", json!([gone])).await, false);
    }
    // The same again: what was pretended before the snapshot is there, and
    // nothing of what came after it.
    chain
        .send(json!({"from": account(0), "to": poor, "value": "0x5"}))
        .await;
    assert_eq!(chain.balance(poor).await, "0x6");
    chain.ok("hardhat_reset", json!([])).await;
    assert_eq!(chain.balance(poor).await, "0x0");
    let forking = json!([{"forking": {"jsonRpcUrl": "http://127.0.0.1:1"}}]);
    assert_eq!(chain.code("hardhat_reset", forking).await, -32602);
}

#[tokio::test]
async fn a_subscriber_hears_of_blocks_that_a_revert_removes() {
    use futures_util::StreamExt as _;
    let chain = Chain::new();
    let mut events = chain.sandbox.events();
    let id = chain.ok("evm_snapshot", json!([])).await;
    chain.ok("evm_mine", json!([])).await;
    let NodeEvent::Block(block) = events.next().await.unwrap() else {
        panic!("a block was mined");
    };
    chain.ok("evm_revert", json!([id])).await;
    let NodeEvent::Removed(removed) = events.next().await.unwrap() else {
        panic!("it was removed");
    };
    assert_eq!(removed[0].block, block.block);
}

#[tokio::test]
async fn what_is_pretended_is_seen_at_once_and_stays_in_later_blocks() {
    let chain = Chain::new();
    let slot = B256::with_last_byte(5);
    chain.ok("anvil_setCode", json!([CONTRACT, STORER])).await;
    chain
        .ok(
            "hardhat_setStorageAt",
            json!([CONTRACT, "0x5", B256::with_last_byte(9)]),
        )
        .await;
    chain
        .ok("anvil_setNonce", json!([account(2), "0x10"]))
        .await;
    assert_eq!(chain.ok("eth_getCode", json!([CONTRACT])).await, STORER);
    let read = json!([CONTRACT, slot]);
    let nine = json!(B256::with_last_byte(9));
    assert_eq!(chain.ok("eth_getStorageAt", read.clone()).await, nine);
    assert_eq!(chain.number().await, "0x0", "no block was made for it");
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.ok("eth_getCode", json!([CONTRACT])).await, STORER);
    assert_eq!(chain.ok("eth_getStorageAt", read.clone()).await, nine);
    let receipt = chain
        .send(json!({"from": account(2), "to": CONTRACT, "input": words([5, 77])}))
        .await;
    let tx = receipt["transactionHash"].clone();
    let sent = chain.ok("eth_getTransactionByHash", json!([tx])).await;
    assert_eq!(sent["nonce"], "0x10");
    let stored = json!(B256::with_last_byte(77));
    assert_eq!(chain.ok("eth_getStorageAt", read).await, stored);
    // The state of the block agrees with its root.
    let proof = chain.ok("eth_getProof", json!([CONTRACT, [slot]])).await;
    assert_eq!(proof["storageProof"][0]["value"], "0x4d");
    assert_eq!(
        chain
            .code("anvil_setNonce", json!([account(2), "0x1"]))
            .await,
        -32602
    );
}

#[tokio::test]
async fn anybody_is_impersonated_a_contract_too() {
    let chain = Chain::new();
    let whale = CONTRACT;
    chain.ok("anvil_setCode", json!([whale, STORER])).await;
    let send = json!({"from": whale, "to": account(0), "value": "0x5"});
    assert_eq!(
        chain.code("eth_sendTransaction", json!([send])).await,
        -32000
    );
    chain.ok("hardhat_impersonateAccount", json!([whale])).await;
    chain
        .ok(
            "anvil_setBalance",
            json!([whale, U256::from(10).pow(U256::from(18))]),
        )
        .await;
    let receipt = chain.send(send.clone()).await;
    assert_eq!(receipt["from"], format!("{whale:#x}"));
    let hash = receipt["transactionHash"].clone();
    let tx = chain.ok("eth_getTransactionByHash", json!([hash])).await;
    assert_eq!(tx["from"], format!("{whale:#x}"));
    // It is traced as it was executed, on a state that was pretended.
    let trace = chain
        .ok(
            "debug_traceTransaction",
            json!([hash, {"tracer": "callTracer"}]),
        )
        .await;
    assert_eq!(trace["from"], format!("{whale:#x}"));
    chain
        .ok("hardhat_stopImpersonatingAccount", json!([whale]))
        .await;
    assert_eq!(
        chain.code("eth_sendTransaction", json!([send])).await,
        -32000
    );
    chain
        .ok("anvil_autoImpersonateAccount", json!([true]))
        .await;
    chain.send(send).await;
}

#[tokio::test]
async fn time_goes_as_it_is_told() {
    let chain = Chain::new();
    assert_eq!(chain.ok("evm_increaseTime", json!([100])).await, 100);
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.timestamp().await, START + 100);
    // A later block is at least a second later, though no time went by.
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.timestamp().await, START + 101);
    // What is added is added to the latest block, however far it is ahead.
    chain.ok("anvil_mine", json!([9])).await;
    chain.ok("evm_increaseTime", json!([10])).await;
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.timestamp().await, START + 120);
    let told = START + 5_000;
    chain.ok("evm_setNextBlockTimestamp", json!([told])).await;
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.timestamp().await, told);
    chain.clock.advance(Duration::from_secs(7));
    chain.ok("evm_mine", json!([])).await;
    assert_eq!(chain.timestamp().await, told + 7);
    let past = json!([told]);
    assert_eq!(chain.code("evm_setNextBlockTimestamp", past).await, -32602);
    chain.ok("evm_mine", json!([told + 50])).await;
    assert_eq!(chain.timestamp().await, told + 50);
    chain.ok("hardhat_mine", json!(["0x3", "0x3c"])).await;
    assert_eq!(chain.timestamp().await, told + 51 + 2 * 60);
    let count = json!([super::MAX_MINED + 1]);
    assert_eq!(chain.code("anvil_mine", count).await, -32602);
}

#[tokio::test]
async fn an_interval_mines_as_the_clock_goes() {
    let chain = Chain::new();
    let sandbox = chain.sandbox.clone();
    let mining = tokio::spawn(async move { sandbox.run().await });
    let mut heads = Box::pin(chain.sandbox.events());
    chain.ok("evm_setIntervalMining", json!([2_000])).await;
    use futures_util::StreamExt as _;
    for number in 1..=2 {
        // The sleeper may not have begun to sleep.
        let block = loop {
            chain.clock.advance(Duration::from_secs(2));
            tokio::select! {
                biased;
                event = heads.next() => break event.unwrap(),
                () = tokio::task::yield_now() => {}
            }
        };
        let NodeEvent::Block(block) = block else {
            panic!("a block was mined");
        };
        assert_eq!(block.block.number, number);
    }
    mining.abort();
}

#[tokio::test]
async fn development_accounts_sign() {
    let chain = Chain::new();
    assert_eq!(
        chain
            .ok("eth_accounts", json!([]))
            .await
            .as_array()
            .unwrap()
            .len(),
        3
    );
    let from = account(0);
    let signed = chain.ok("personal_sign", json!(["0x1234", from])).await;
    assert_eq!(chain.ok("eth_sign", json!([from, "0x1234"])).await, signed);
    let signature: alloy_primitives::Bytes = serde_json::from_value(signed).unwrap();
    let signature = alloy_primitives::Signature::from_raw(&signature).unwrap();
    let signer = signature.recover_address_from_msg([0x12, 0x34]).unwrap();
    assert_eq!(signer, from);
    // The example of EIP-712, and its signing hash.
    let typed = json!({
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"}, {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
            "Mail": [
                {"name": "from", "type": "Person"}, {"name": "to", "type": "Person"},
                {"name": "contents", "type": "string"},
            ],
        },
        "primaryType": "Mail",
        "domain": {
            "name": "Ether Mail", "version": "1", "chainId": 1,
            "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
        },
        "message": {
            "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
            "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
            "contents": "Hello, Bob!",
        },
    });
    let signed = chain.ok("eth_signTypedData_v4", json!([from, typed])).await;
    let as_text = json!([from, typed.to_string()]);
    assert_eq!(chain.ok("eth_signTypedData_v4", as_text).await, signed);
    let signature: alloy_primitives::Bytes = serde_json::from_value(signed).unwrap();
    let signature = alloy_primitives::Signature::from_raw(&signature).unwrap();
    let hash = alloy_primitives::b256!(
        "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2"
    );
    assert_eq!(signature.recover_address_from_prehash(&hash).unwrap(), from);
    let request = json!({"from": from, "to": account(1), "value": "0x1"});
    let signed = chain.ok("eth_signTransaction", json!([request])).await;
    let hash = chain
        .ok("eth_sendRawTransaction", json!([signed["raw"]]))
        .await;
    assert_eq!(hash, signed["tx"]["hash"]);
    let stranger = Address::repeat_byte(1);
    assert_eq!(
        chain.code("eth_sign", json!([stranger, "0x"])).await,
        -32000
    );
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let chain = Chain::new();
    for (method, params) in [
        ("anvil_setBalance", json!(["0x1", "0x1"])),
        ("anvil_setCode", json!([CONTRACT, "0xzz"])),
        ("anvil_setStorageAt", json!([CONTRACT, "0x1", 7])),
        ("evm_increaseTime", json!([u64::MAX])),
        ("evm_mine", json!(["then"])),
        ("evm_revert", json!([[]])),
        ("evm_setAutomine", json!(["yes"])),
        ("evm_snapshot", json!([1])),
        ("hardhat_impersonateAccount", json!([])),
    ] {
        assert_eq!(chain.code(method, params).await, -32602, "{method}");
    }
    assert_eq!(chain.clock.now_ms(), START * 1000);
}
