use super::{DEV, SEPOLIA, dev};
use crate::genesis::{Genesis, GenesisError, quick};
use alloy_eips::eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS;
use rollwright_core::LayerError;
use serde_json::{Value, json};

fn parsed() -> Genesis {
    Genesis::from_json(DEV).expect("valid")
}

fn edited(edit: impl FnOnce(&mut Value)) -> Result<Genesis, GenesisError> {
    let mut value: Value = serde_json::from_str(DEV).expect("JSON");
    edit(&mut value);
    Genesis::from_json(&value.to_string())
}

fn message(edit: impl FnOnce(&mut Value)) -> String {
    let error = edited(edit).expect_err("refused");
    assert!(error.code().starts_with("RW-EVM-00"));
    error.to_string()
}

#[test]
fn a_file_reads_back_as_it_was_written() {
    assert!(parsed().to_json() == DEV);
    for text in [DEV, SEPOLIA] {
        let genesis = Genesis::from_json(text).expect("valid");
        assert!(Genesis::from_json(&genesis.to_json()) == Ok(genesis));
    }
}

#[test]
fn unknown_keys_are_refused_wherever_they_stand() {
    let text = message(|v| v["config"]["osakaTimee"] = json!(0));
    assert_eq!(
        text,
        "genesis.json: `config.osakaTimee` is not a known key; did you mean `osakaTime`?"
    );
    assert!(message(|v| v["gaslimit"] = json!("0x1")).contains("did you mean `gasLimit`?"));
    assert!(message(|v| v["config"]["clique"] = json!({})).contains("remove it"));
    assert!(
        message(|v| v["config"]["blobSchedule"]["osaka"]["maxx"] = json!(1))
            .contains("did you mean `max`?")
    );
    assert!(
        message(|v| v["config"]["rollwright"]["salty"] = json!(1)).contains("config.rollwright")
    );
    let account = |v: &mut Value| {
        v["alloc"]["0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"] = json!({"balanc": "0x1"});
    };
    assert!(message(account).contains("did you mean `balance`?"));
}

#[test]
fn values_of_the_wrong_type_are_named_by_their_place() {
    assert!(
        message(|v| v["config"]["chainId"] = json!("many"))
            .contains("`many` is not a whole number")
    );
    assert!(message(|v| v["config"]["chainId"] = json!(-1)).contains("whole number"));
    assert!(
        message(|v| v["config"]["osakaTime"] = json!("0x1ffffffffffffffff")).contains("64 bits")
    );
    assert!(
        message(|v| v["config"]["rollwright"]["timing"] = json!([])).contains("config.rollwright")
    );
    assert!(Genesis::from_json("{").is_err_and(|error| error.code() == "RW-EVM-001"));
    assert!(Genesis::from_json("[]").is_err());
}

#[test]
fn numbers_are_read_in_every_spelling_that_geth_writes() {
    for spelling in [json!(42069), json!("42069"), json!("0xa455")] {
        let genesis = edited(|v| v["config"]["chainId"] = spelling).expect("valid");
        assert!(genesis == parsed());
    }
}

#[test]
fn values_that_contradict_each_other_are_refused_with_a_cure() {
    assert!(message(|v| v["gasLimit"] = json!("0x1c9c380")).contains("make them equal"));
    assert!(message(|v| v["extraData"] = json!("0x01")).contains("remove it"));
    assert!(message(|v| v["config"]["cancunTime"] = json!("0xffffffffff")).contains("pragueTime"));
    assert!(
        message(|v| v["config"]["terminalTotalDifficulty"] = json!(1)).contains("proof of work")
    );
    assert!(message(|v| v["config"]["londonBlock"] = json!(5)).contains("londonBlock"));
    assert!(message(|v| v["config"]["rollwright"]["version"] = json!(2)).contains("version"));
    assert!(message(|v| v["number"] = json!("0x1")).contains("number"));
}

#[test]
fn a_rollup_needs_ethereums_own_contracts() {
    let mut genesis = dev();
    genesis
        .alloc
        .remove(&CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS);
    assert!(
        genesis
            .check()
            .is_err_and(|error| error.to_string().contains("every block calls"))
    );
    let mut genesis = dev();
    let account = genesis
        .alloc
        .get_mut(&CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS)
        .expect("present");
    account.code = Some(alloy_primitives::bytes!("00"));
    assert!(
        genesis
            .check()
            .is_err_and(|error| error.to_string().contains("other code"))
    );
}

#[test]
fn the_hash_of_the_configuration_may_stand_in_extra_data() {
    let mut genesis = dev();
    let block = genesis.block().expect("valid");
    genesis.extra_data = block.header.extra_data.clone();
    assert_eq!(genesis.block().map(|again| again.header), Ok(block.header));
}

#[test]
fn reading_with_and_without_a_tree_of_values_gives_the_same() {
    for text in [DEV, SEPOLIA] {
        let quick = quick::parse(text).expect("no address twice");
        assert!(quick.is_some(), "no part of it is left to the slow way");
        assert!(quick == Some(Genesis::by_value(text).expect("valid")));
    }
}

#[test]
fn an_address_stands_in_the_state_once() {
    let account = r#""alloc": {
        "0x00000000000000000000000000000000000000Aa": {"balance": "0x1"},
        "0x00000000000000000000000000000000000000aa": {"balance": "0x2"},"#;
    let text = DEV.replacen("\"alloc\": {", account, 1);
    assert_ne!(text, DEV);
    let error = Genesis::from_json(&text).expect_err("refused");
    assert_eq!(error.code(), "RW-EVM-003");
    assert!(error.to_string().contains("twice"), "{error}");
}

#[test]
fn the_digest_of_the_accounts_tells_every_part_of_them_apart() {
    let account = alloy_primitives::Address::repeat_byte(7);
    let with = |change: &dyn Fn(&mut alloy_genesis::GenesisAccount)| {
        let mut genesis = dev();
        change(genesis.alloc.entry(account).or_default());
        (genesis.allocation_digest(), genesis.state_root())
    };
    let one = alloy_primitives::B256::with_last_byte(1);
    let mut digests = vec![
        with(&|_| ()),
        with(&|account| account.nonce = Some(1)),
        with(&|account| account.balance = alloy_primitives::U256::from(1)),
        with(&|account| account.code = Some(alloy_primitives::bytes!("00"))),
        with(&|account| account.storage = Some([(one, one)].into())),
    ];
    assert_eq!(with(&|account| account.nonce = Some(0)), digests[0]);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 5);
    digests.dedup_by_key(|(digest, _)| *digest);
    assert_eq!(digests.len(), 5);
}

#[test]
fn a_key_of_geth_that_decides_nothing_is_passed_over_for_ethereum_only() {
    let text = r#"{
        "config": { "chainId": 1, "homesteadBlock": 1150000, "eip150Hash": "0x20" },
        "timestamp": "0x0", "gasLimit": "0x1388", "difficulty": "0x400000000"
    }"#;
    let genesis = Genesis::from_geth_json(text).expect("a chain of Ethereum");
    assert_eq!(genesis.config.homestead_block, Some(1_150_000));
    let refused = Genesis::from_json(text);
    assert!(
        matches!(refused, Err(GenesisError::UnknownKey { path, .. }) if path.contains("eip150Hash"))
    );
    let misspelt = text.replace("eip150Hash", "eip150hash");
    assert!(Genesis::from_geth_json(&misspelt).is_err());
}
