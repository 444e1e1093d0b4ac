use super::*;
use alloy_primitives::{b256, keccak256};

#[test]
fn the_anchor_artefact_is_code() {
    let code = anchor_code();
    assert_eq!(
        code.len() * 2 + 1,
        include_str!("../../contracts/artifacts/Anchor.bin").len()
    );
    assert!(code.len() > 1_000 && code.len() < 24_576);
    let abi: serde_json::Value = serde_json::from_str(ANCHOR_ABI).expect("JSON");
    assert!(
        abi.as_array()
            .is_some_and(|items| items.iter().any(|item| item["name"] == "open"))
    );
}

#[test]
fn the_deployment_proxy_has_the_code_that_every_chain_has() {
    assert_eq!(
        keccak256(&DEPLOYER_CODE),
        b256!("0x2fa86add0aed31f33a762c9d88e807c475bd51d0f52bd0955754b2608f7e4989")
    );
}

#[test]
fn ethereums_contracts_stand_at_ethereums_addresses() {
    let all = all();
    for (address, code, _) in system_contracts() {
        assert_eq!(all[&address].code.as_ref(), Some(&code));
        assert_eq!(all[&address].nonce, Some(1));
    }
    assert_eq!(all.len(), 6);
}

#[test]
fn own_predeploys_stand_in_their_own_range() {
    assert!(ANCHOR_ADDRESS.starts_with(&[0x52, 0x57, 0, 0]));
}
