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
fn every_predeploy_is_known_by_its_code() {
    for (address, account) in all().into_iter().chain(factories()).chain([l1_origin()]) {
        let code = account.code.expect("a contract");
        assert!(what(address, &code).is_some(), "{address}");
        assert_eq!(what(address, &Bytes::from_static(&[0])), None);
    }
}

/// The transaction for chain 1 of npm's `@safe-global/safe-singleton-factory`
/// 2.0.0: its init code returns the factory's code.
#[test]
fn safes_factory_has_the_code_that_its_transactions_deploy() {
    let init = alloy_primitives::hex!(
        "604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
    );
    assert_eq!(init[14..14 + 0x45], DEPLOYER_CODE[..]);
}

#[test]
fn createx_is_taken_with_its_own_code_only() {
    let error = create_x(Bytes::from_static(&[0])).expect_err("another code");
    assert_eq!(error.expected, CREATE_X_CODE_HASH);
    assert_eq!(error.address, CREATE_X_ADDRESS);
}

#[test]
fn own_predeploys_stand_in_their_own_range() {
    assert!(ANCHOR_ADDRESS.starts_with(&[0x52, 0x57, 0, 0]));
}
