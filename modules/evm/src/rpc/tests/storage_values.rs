use super::chain::{LOADER, Rpc, STORER, call_of, words};
use alloy_primitives::{Address, B256};
use serde_json::json;

#[tokio::test]
async fn slots_of_many_accounts_come_in_the_order_they_were_asked_in() {
    let rpc = Rpc::new();
    rpc.node.put(call_of(0, 0, STORER, words([5, 77])));
    rpc.node.seal();
    let nobody = Address::repeat_byte(0x99);
    let zero = B256::ZERO;
    let asked = json!({STORER.to_string(): ["0x6", "0x5"], nobody.to_string(): ["0x0"]});
    let answer = rpc.ok("eth_getStorageValues", json!([asked])).await;
    let expected = json!({
        format!("{STORER:#x}"): [zero, B256::with_last_byte(77)],
        format!("{nobody:#x}"): [zero],
    });
    assert_eq!(answer, expected);
    let before = rpc.ok("eth_getStorageValues", json!([asked, "0x0"])).await;
    assert_eq!(before[format!("{STORER:#x}")], json!([zero, zero]));
}

#[tokio::test]
async fn empty_and_oversized_requests_are_refused() {
    let rpc = Rpc::new();
    for empty in [json!({}), json!({LOADER.to_string(): []})] {
        let error = rpc.error("eth_getStorageValues", json!([empty])).await;
        assert_eq!(error["code"], -32602);
        assert_eq!(error["message"], "empty request");
    }
    let slots: Vec<String> = (0..1_025).map(|slot| format!("{slot:#x}")).collect();
    let error = rpc
        .error("eth_getStorageValues", json!([{LOADER.to_string(): slots}]))
        .await;
    assert_eq!(error["code"], -32602);
    assert_eq!(error["message"], "too many slots (max 1024)");
    let error = rpc
        .error(
            "eth_getStorageValues",
            json!([{LOADER.to_string(): ["0x0"]}, "0x63"]),
        )
        .await;
    assert_eq!(error["message"], "header not found");
}
