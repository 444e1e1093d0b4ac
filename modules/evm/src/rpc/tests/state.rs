use super::chain::{Rpc, STORER, account, call_of, legacy, quantity, words};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use serde_json::{Value, json};

#[tokio::test]
async fn balances_and_nonces_are_those_of_the_named_block() {
    let rpc = Rpc::new();
    rpc.node.put(legacy(0, 0));
    rpc.node.seal();
    rpc.node.put(legacy(0, 1));
    rpc.node.seal();
    let ether = U256::from(10).pow(U256::from(22));
    for (block, sent) in [("0x0", 0_u64), ("0x1", 1), ("0x2", 2), ("latest", 2)] {
        let balance = rpc.ok("eth_getBalance", json!([account(9), block])).await;
        assert_eq!(balance, json!(ether + U256::from(sent * 1_000)), "{block}");
        let nonce = rpc
            .ok("eth_getTransactionCount", json!([account(0), block]))
            .await;
        assert_eq!(nonce, quantity(sent), "{block}");
    }
    let nobody = Address::repeat_byte(0x77);
    assert_eq!(rpc.ok("eth_getBalance", json!([nobody])).await, "0x0");
    assert_eq!(
        rpc.ok("eth_getTransactionCount", json!([nobody])).await,
        "0x0"
    );
    assert_eq!(rpc.ok("eth_getCode", json!([nobody])).await, "0x");
    let empty = rpc.ok("eth_getStorageAt", json!([nobody, "0x0"])).await;
    assert_eq!(empty, json!(B256::ZERO));
}

#[tokio::test]
async fn the_pending_nonce_counts_the_pool() {
    let rpc = Rpc::new();
    rpc.node.put(legacy(0, 0));
    rpc.node.put(legacy(0, 1));
    let count = |tag: &str| json!([account(0), tag]);
    let nonce = rpc.ok("eth_getTransactionCount", count("pending")).await;
    assert_eq!(nonce, "0x2");
    assert_eq!(
        rpc.ok("eth_getTransactionCount", count("latest")).await,
        "0x0"
    );
    rpc.node.seal();
    assert_eq!(
        rpc.ok("eth_getTransactionCount", count("pending")).await,
        "0x2"
    );
}

#[tokio::test]
async fn storage_is_a_word_however_the_slot_is_written() {
    let rpc = Rpc::new();
    rpc.node.put(call_of(0, 0, STORER, words([10, 0xbeef])));
    rpc.node.seal();
    let full = B256::with_last_byte(10).to_string();
    for slot in ["0xa", "0x0a", "0x000a", full.as_str()] {
        let value = rpc
            .ok("eth_getStorageAt", json!([STORER, slot, "latest"]))
            .await;
        assert_eq!(value, json!(B256::from(U256::from(0xbeef))), "{slot}");
    }
    let before = rpc
        .ok("eth_getStorageAt", json!([STORER, "0xa", "0x0"]))
        .await;
    assert_eq!(before, json!(B256::ZERO));
    // As in execution-apis, tests/eth_getStorageAt.
    let long = format!("0x0{}", "0".repeat(64));
    for (wrong, reason) in [
        ("", "hex string invalid"),
        ("0x", "hex string invalid"),
        ("0xasdf", "hex string invalid"),
        (&long, "hex string too long, want at most 32 bytes"),
    ] {
        let error = rpc.error("eth_getStorageAt", json!([STORER, wrong])).await;
        let message = format!("unable to decode storage key: {reason}");
        assert_eq!(
            error,
            json!({"code": -32602, "message": message}),
            "{wrong}"
        );
    }
    let code = rpc.ok("eth_getCode", json!([STORER])).await;
    assert_eq!(code, "0x6020355f355500");
}

#[tokio::test]
async fn proofs_verify_against_the_state_root_of_their_block() {
    let rpc = Rpc::new();
    rpc.node.put(call_of(0, 0, STORER, words([10, 0xbeef])));
    rpc.node.seal();
    let slots = json!(["0xa", B256::with_last_byte(11)]);
    let proof = rpc
        .ok("eth_getProof", json!([STORER, slots, "latest"]))
        .await;
    let mut keys: Vec<&String> = proof.as_object().unwrap().keys().collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "accountProof",
            "address",
            "balance",
            "codeHash",
            "nonce",
            "storageHash",
            "storageProof"
        ]
    );
    let block = rpc
        .ok("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let root: B256 = serde_json::from_value(block["stateRoot"].clone()).unwrap();
    let nodes = |value: &Value| -> Vec<Bytes> { serde_json::from_value(value.clone()).unwrap() };
    let trie = TrieAccount {
        nonce: 1,
        balance: U256::ZERO,
        storage_root: serde_json::from_value(proof["storageHash"].clone()).unwrap(),
        code_hash: serde_json::from_value(proof["codeHash"].clone()).unwrap(),
    };
    let path = Nibbles::unpack(keccak256(STORER));
    let leaf = alloy_rlp::encode(trie);
    verify_proof(root, path, Some(leaf), &nodes(&proof["accountProof"])).unwrap();
    // The key comes back as it was written: quantity, or word.
    assert_eq!(proof["storageProof"][0]["key"], "0xa");
    assert_eq!(proof["storageProof"][0]["value"], "0xbeef");
    assert_eq!(
        proof["storageProof"][1]["key"],
        json!(B256::with_last_byte(11))
    );
    assert_eq!(proof["storageProof"][1]["value"], "0x0");
    for (index, expected) in [(0, Some(alloy_rlp::encode(U256::from(0xbeef)))), (1, None)] {
        let key = B256::with_last_byte(10 + index);
        let path = Nibbles::unpack(keccak256(key));
        let nodes = nodes(&proof["storageProof"][usize::from(index)]["proof"]);
        verify_proof(trie.storage_root, path, expected, &nodes).unwrap();
    }
}

#[tokio::test]
async fn the_absence_of_an_account_is_proved_as_well() {
    let rpc = Rpc::new();
    rpc.node.seal();
    let nobody = Address::repeat_byte(0x77);
    let proof = rpc.ok("eth_getProof", json!([nobody, [], "latest"])).await;
    assert_eq!(proof["balance"], "0x0");
    assert_eq!(proof["nonce"], "0x0");
    assert_eq!(proof["codeHash"], json!(alloy_primitives::KECCAK256_EMPTY));
    assert_eq!(proof["storageHash"], json!(alloy_trie::EMPTY_ROOT_HASH));
    let block = rpc
        .ok("eth_getBlockByNumber", json!(["latest", false]))
        .await;
    let root: B256 = serde_json::from_value(block["stateRoot"].clone()).unwrap();
    let nodes: Vec<Bytes> = serde_json::from_value(proof["accountProof"].clone()).unwrap();
    verify_proof(root, Nibbles::unpack(keccak256(nobody)), None, &nodes).unwrap();
}

#[tokio::test]
async fn too_many_proof_keys_are_refused_with_the_limit() {
    let rpc = Rpc::new();
    let slots = vec!["0x0"; 1_025];
    let error = rpc
        .error("eth_getProof", json!([STORER, slots, "latest"]))
        .await;
    assert_eq!(error["code"], -32602);
    assert!(error["message"].as_str().unwrap().contains("1024"));
}
