use super::chain::{CALLER, INVALID, LOADER, REVERTER, Rpc, STORER, account, words};
use alloy_primitives::B256;
use serde_json::json;

#[tokio::test]
async fn the_list_names_what_is_touched_but_sender_recipient_and_precompiles() {
    let rpc = Rpc::new();
    let call = json!({"from": account(0), "to": CALLER, "input": words([5, 77])});
    let made = rpc.ok("eth_createAccessList", json!([call])).await;
    assert_eq!(
        made["accessList"],
        json!([{"address": STORER, "storageKeys": [B256::with_last_byte(5)]}])
    );
    assert!(made.get("error").is_none(), "{made}");
    // The gas that the call uses with the list.
    let mut with = call.clone();
    with["accessList"] = made["accessList"].clone();
    let payload = json!({"blockStateCalls": [{"calls": [with]}]});
    let blocks = rpc.ok("eth_simulateV1", json!([payload])).await;
    let simulated = &blocks[0]["calls"][0]["gasUsed"];
    // Addresses and slots of a list are paid for by a typed transaction alone.
    assert_eq!(made["gasUsed"], *simulated);
}

#[tokio::test]
async fn slots_of_the_recipient_are_listed() {
    let rpc = Rpc::new();
    let call = json!({"to": LOADER, "input": words([9])});
    let made = rpc
        .ok("eth_createAccessList", json!([call, "latest"]))
        .await;
    assert_eq!(
        made["accessList"],
        json!([{"address": LOADER, "storageKeys": [B256::with_last_byte(9)]}])
    );
}

#[tokio::test]
async fn a_call_that_fails_has_a_list_and_an_error() {
    let rpc = Rpc::new();
    for (to, said) in [
        (REVERTER, "execution reverted"),
        (INVALID, "invalid opcode"),
    ] {
        let call = json!({"from": account(0), "to": to});
        let made = rpc.ok("eth_createAccessList", json!([call])).await;
        assert_eq!(made["error"], said);
        assert_eq!(made["accessList"], json!([]));
    }
}

#[tokio::test]
async fn overrides_are_seen() {
    let rpc = Rpc::new();
    // SLOAD of slot 3.
    let overrides = json!({LOADER.to_string(): {"code": "0x600354"}});
    let call = json!({"to": LOADER});
    let params = json!([call, "latest", overrides]);
    let made = rpc.ok("eth_createAccessList", params).await;
    let keys = &made["accessList"][0]["storageKeys"];
    assert_eq!(*keys, json!([B256::with_last_byte(3)]));
}
