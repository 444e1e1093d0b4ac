use super::chain::{CHAIN_ID, Rpc, quantity};
use crate::{genesis::ChainConfig, rpc::reads::forks::forks};
use alloy_consensus::Header;
use alloy_primitives::{address, b256};
use serde_json::json;

#[tokio::test]
async fn an_archive_keeps_everything_from_genesis_on() {
    let rpc = Rpc::new();
    let head = rpc.node.seal();
    let answer = rpc.ok("eth_capabilities", json!([])).await;
    let all = json!({"disabled": false, "oldestBlock": "0x0"});
    assert_eq!(
        answer,
        json!({
            "head": {"number": quantity(head.number), "hash": head.hash},
            "state": all, "tx": all, "logs": all,
            "receipts": all, "blocks": all, "stateproofs": all,
        })
    );
}

#[tokio::test]
async fn the_configuration_names_the_rules_that_hold() {
    let rpc = Rpc::new();
    let answer = rpc.ok("eth_config", json!([])).await;
    assert_eq!(answer["next"], json!(null));
    assert_eq!(answer["last"], json!(null));
    let current = &answer["current"];
    assert_eq!(current["activationTime"], 0);
    assert_eq!(current["chainId"], quantity(CHAIN_ID));
    assert_eq!(current["forkId"].as_str().unwrap().len(), 10);
    let precompiles = current["precompiles"].as_object().unwrap();
    assert_eq!(precompiles.len(), 18, "Osaka adds P256VERIFY");
    assert_eq!(
        precompiles["P256VERIFY"],
        json!(address!("0x0000000000000000000000000000000000000100"))
    );
    let contracts: Vec<&String> = current["systemContracts"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(
        contracts,
        [
            "BEACON_ROOTS_ADDRESS",
            "CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS",
            "HISTORY_STORAGE_ADDRESS",
            "WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS",
        ]
    );
}

/// The example of EIP-7910: the Hoodi network at Prague.
#[test]
fn the_fork_hash_of_hoodi_at_prague_is_the_published_one() {
    let mut hoodi = ChainConfig::osaka(560_048);
    hoodi.prague_time = Some(1_742_999_832);
    hoodi.osaka_time = Some(1_761_677_592);
    let genesis = (
        b256!("0xbbe312868b376a3001692a646dd2d7d1e4406380dfd86b98aa8a34d1557c971b"),
        1_742_212_800,
    );
    let latest = Header {
        number: 1,
        timestamp: 1_750_000_000,
        ..Header::default()
    };
    let forks = forks(&hoodi, genesis, &latest);
    let current = serde_json::to_value(&forks.current).unwrap();
    assert_eq!(current["activationTime"], 1_742_999_832_u64);
    assert_eq!(current["forkId"], "0x0929e24e");
    assert_eq!(
        current["blobSchedule"],
        json!({"baseFeeUpdateFraction": 5_007_716, "max": 9, "target": 6})
    );
    assert_eq!(current["precompiles"].as_object().unwrap().len(), 17);
    let next = serde_json::to_value(&forks.next).unwrap();
    assert_eq!(next["activationTime"], 1_761_677_592_u64);
    assert_eq!(forks.next, forks.last);
    assert_ne!(forks.next, Some(forks.current));
}
