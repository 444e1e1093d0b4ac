use super::chain::{Rpc, STORER, access_listed, call_of, delegating, legacy, words};
use alloy_consensus::{Block, Header, ReceiptEnvelope, TxEnvelope};
use alloy_eips::eip2718::{Decodable2718, Encodable2718};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::Decodable;
use serde_json::{Value, json};

fn bytes(value: &Value) -> Bytes {
    serde_json::from_value(value.clone()).unwrap()
}

#[tokio::test]
async fn raw_blocks_decode_to_what_was_sealed() {
    let rpc = Rpc::new();
    let hashes = [
        rpc.node.put(legacy(0, 0)),
        rpc.node.put(access_listed(1, 0)),
        rpc.node.put(call_of(2, 0, STORER, words([1, 2]))),
        rpc.node.put(delegating(3, 0)),
    ];
    let head = rpc.node.seal();
    for at in [
        json!("latest"),
        json!(head.hash),
        json!({"blockHash": head.hash}),
    ] {
        let header = bytes(&rpc.ok("debug_getRawHeader", json!([at])).await);
        assert_eq!(keccak256(&header), head.hash);
        let raw = bytes(&rpc.ok("debug_getRawBlock", json!([at])).await);
        let block = Block::<TxEnvelope>::decode(&mut &raw[..]).unwrap();
        assert_eq!(alloy_rlp::encode(&block), raw);
        assert_eq!(block.header, Header::decode(&mut &header[..]).unwrap());
        let found: Vec<B256> = block.body.transactions().map(|tx| *tx.tx_hash()).collect();
        assert_eq!(found, hashes);
    }
    let block = rpc.ok("eth_getBlockByNumber", json!(["latest"])).await;
    let raw = bytes(&rpc.ok("debug_getRawBlock", json!(["latest"])).await);
    assert_eq!(block["size"], format!("{:#x}", raw.len()));
    let receipts = rpc.ok("debug_getRawReceipts", json!(["latest"])).await;
    let receipts: Vec<ReceiptEnvelope> = receipts
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ReceiptEnvelope::decode_2718_exact(&bytes(one)).unwrap())
        .collect();
    assert_eq!(receipts.len(), 4);
    let encoded: Vec<Vec<u8>> = receipts.iter().map(Encodable2718::encoded_2718).collect();
    assert_eq!(
        block["receiptsRoot"],
        json!(alloy_trie::root::ordered_trie_root_encoded(&encoded))
    );
    for hash in hashes {
        let raw = bytes(&rpc.ok("debug_getRawTransaction", json!([hash])).await);
        assert_eq!(keccak256(raw), hash);
    }
}

#[tokio::test]
async fn what_is_unknown_has_no_raw_form() {
    let rpc = Rpc::new();
    for method in [
        "debug_getRawHeader",
        "debug_getRawBlock",
        "debug_getRawReceipts",
        "debug_executionWitness",
    ] {
        let error = rpc.error(method, json!(["0x63"])).await;
        assert_eq!(error["code"], -32000, "{method}");
        assert_eq!(error["message"], "header not found", "{method}");
        let error = rpc.error(method, json!(["0x"])).await;
        assert_eq!(error["code"], -32602, "{method}");
    }
    let unknown = rpc.ok("debug_getRawTransaction", json!([B256::ZERO])).await;
    assert_eq!(unknown, "0x");
    let waiting = rpc.node.put(legacy(0, 0));
    let raw = bytes(&rpc.ok("debug_getRawTransaction", json!([waiting])).await);
    assert_eq!(keccak256(raw), waiting);
}

#[tokio::test]
async fn a_witness_holds_the_parent_and_its_state_root() {
    let rpc = Rpc::new();
    rpc.node.put(call_of(0, 0, STORER, words([1, 2])));
    rpc.node.seal();
    let witness = rpc.ok("debug_executionWitness", json!(["latest"])).await;
    let keys: Vec<&String> = witness.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["codes", "headers", "keys", "state"]);
    let parent = rpc.ok("eth_getBlockByNumber", json!(["0x0"])).await;
    let has = |part: &str, hash: &Value| {
        let all = witness[part].as_array().unwrap();
        all.iter().any(|one| json!(keccak256(bytes(one))) == *hash)
    };
    assert!(has("headers", &parent["hash"]));
    assert!(has("state", &parent["stateRoot"]));
    let code = bytes(&rpc.ok("eth_getCode", json!([STORER])).await);
    assert!(has("codes", &json!(keccak256(code))));
    let error = rpc.error("debug_executionWitness", json!(["0x0"])).await;
    assert_eq!(error["code"], -32000);
}
