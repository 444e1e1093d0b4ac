use super::dev;
use crate::genesis::{ChainConfig, Eip, Genesis, GenesisError};
use alloy_genesis::GenesisAccount;
use alloy_primitives::{Address, B256, address};
use rollwright_core::LayerError as _;
use rollwright_derive::PrecompileConfig;
use std::collections::BTreeMap;

/// The development genesis with these switches, Osaka at `osaka`.
fn with(osaka: Option<u64>, eips: &[(&str, u64)]) -> Genesis {
    let mut genesis = dev();
    genesis.config.osaka_time = osaka;
    let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
    rollup.eips = eips
        .iter()
        .map(|(key, time)| ((*key).into(), *time))
        .collect();
    genesis
}

fn refusal(osaka: Option<u64>, eips: &[(&str, u64)]) -> String {
    let error = with(osaka, eips).check().expect_err("refused");
    error.to_string()
}

fn precompile() -> PrecompileConfig {
    PrecompileConfig {
        name: "acme/one".into(),
        version: 1,
        address: address!("0x4d65726b6c650000000000000000000000000001"),
        time: 0,
        fingerprint: None,
    }
}

fn with_precompiles(all: Vec<PrecompileConfig>) -> Result<(), GenesisError> {
    let mut genesis = dev();
    let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
    rollup.precompiles = all;
    genesis.check()
}

#[test]
fn keys_and_names_lead_to_each_other() {
    for eip in Eip::ALL {
        assert_eq!(Eip::by_key(eip.key()), Some(eip));
        assert!(eip.to_string().contains('-'), "{eip}");
        assert!(!eip.title().is_empty());
    }
    assert_eq!(Eip::Rip7212.to_string(), "RIP-7212");
    assert_eq!(Eip::by_key("eip1"), None);
}

#[test]
fn a_switch_is_read_from_the_file_and_written_to_it() {
    let genesis = with(None, &[("eip7939", 7)]);
    let again = Genesis::from_json(&genesis.to_json()).expect("reads");
    assert_eq!(again, genesis);
    let eips = |time| again.config.eips_at(time);
    assert!(eips(6).is_empty());
    assert!(eips(7).has(Eip::Eip7939));
    assert_eq!(eips(8).iter().collect::<Vec<_>>(), [Eip::Eip7939]);
}

#[test]
fn only_a_chain_with_rules_of_its_own_has_the_extended_encoding() {
    let version = |config: &ChainConfig| config.encode()[0];
    let plain = dev().config;
    assert_eq!(version(&plain), ChainConfig::ENCODING_VERSION);
    let mut hashes = BTreeMap::from([(plain.hash(), "plain".to_owned())]);
    let mut differ = |name: &str, genesis: Genesis| {
        let config = genesis.config;
        assert_eq!(version(&config), ChainConfig::EXTENDED_ENCODING_VERSION);
        let before = hashes.insert(config.hash(), name.to_owned());
        assert_eq!(before, None, "{name}");
    };
    differ("one", with(Some(0), &[("eip8024", 0)]));
    differ("another time", with(Some(0), &[("eip8024", 1)]));
    differ("another", with(Some(0), &[("eip8246", 0)]));
    for change in 0..6 {
        let mut genesis = dev();
        let mut own = precompile();
        match change {
            0 => {}
            1 => own.name = "acme/two".into(),
            2 => own.version = 2,
            3 => own.address = Address::repeat_byte(9),
            4 => own.time = 1,
            _ => own.fingerprint = Some(B256::ZERO),
        }
        let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
        rollup.precompiles.push(own);
        differ(&format!("precompile {change}"), genesis);
    }
}

#[test]
fn unknown_switches_are_refused_with_the_nearest() {
    assert!(refusal(None, &[("eip7940", 0)]).contains("did you mean `eip79"));
    assert!(refusal(None, &[("p256", 0)]).contains("known keys"));
    for header in ["eip7778", "eip7843", "eip7928", "eip8037"] {
        let text = refusal(Some(0), &[(header, 0)]);
        assert!(text.contains("whole fork"), "{text}");
    }
}

#[test]
fn a_switch_that_its_fork_brings_already_is_refused() {
    assert!(with(Some(10), &[("eip7939", 9)]).check().is_ok());
    let text = refusal(Some(10), &[("eip7939", 10)]);
    assert!(text.contains("`osakaTime` brings it at 10"), "{text}");
    assert!(refusal(None, &[("eip7623", 0)]).contains("pragueTime"));
}

#[test]
fn a_switch_without_what_it_builds_on_is_refused() {
    let text = refusal(Some(10), &[("eip8024", 9)]);
    assert!(text.contains("Osaka"), "{text}");
    let text = refusal(Some(0), &[("eip7708", 5), ("eip8246", 6)]);
    assert!(text.contains("EIP-8246"), "{text}");
    assert!(
        with(Some(0), &[("eip7708", 6), ("eip8246", 6)])
            .check()
            .is_ok()
    );
    assert!(refusal(Some(0), &[("eip7981", 5)]).contains("EIP-7976"));
}

#[test]
fn precompiles_need_a_name_a_place_and_an_order() {
    assert_eq!(with_precompiles(vec![precompile()]), Ok(()));
    let refused = |own: PrecompileConfig| with_precompiles(vec![own]).expect_err("refused");
    for name in ["", "Acme", "a b", &"a".repeat(65)] {
        let name = name.into();
        let error = refused(PrecompileConfig {
            name,
            ..precompile()
        });
        assert_eq!(error.code(), "RW-EVM-004");
    }
    for low in [1u16, 0x100, 0xffff] {
        let mut address = Address::ZERO;
        address.0[18..].copy_from_slice(&low.to_be_bytes());
        let error = refused(PrecompileConfig {
            address,
            ..precompile()
        });
        assert!(error.to_string().contains("Ethereum's"), "{error}");
    }
    let later = PrecompileConfig {
        time: 1,
        version: 2,
        ..precompile()
    };
    assert_eq!(with_precompiles(vec![precompile(), later.clone()]), Ok(()));
    assert!(with_precompiles(vec![later, precompile()]).is_err());
    assert!(with_precompiles(vec![precompile(), precompile()]).is_err());
}

#[test]
fn the_report_lists_what_the_chain_has_of_its_own() {
    let mut genesis = with(None, &[("eip7951", 0)]);
    let rollup = genesis.config.rollwright.as_mut().expect("a rollup");
    rollup.precompiles.push(precompile());
    let report = genesis.report();
    assert_eq!(report.config_encoding, 2);
    assert_eq!(
        report.genesis_hash,
        genesis.block().expect("valid").rollup_id()
    );
    assert_eq!(report.eips[0].key, "eip7951");
    assert_eq!(report.eips[0].fork, "Osaka");
    let subjects: Vec<&str> = report.differences.iter().map(|d| &*d.subject).collect();
    for expected in [
        "EIP-7951: P256VERIFY at 0x100 for 6,900 gas",
        "precompile 0x4d65726B6C650000000000000000000000000001",
        "parent_beacon_block_root",
        "gas of one transaction",
        "requests: code at 0x…7002 and 0x…7251",
        "genesis contract 0x5257000000000000000000000000000000000001",
    ] {
        let found = subjects.iter().any(|s| s.eq_ignore_ascii_case(expected));
        assert!(found, "{expected} in {subjects:#?}");
    }
    let mut ethereum = dev();
    ethereum.config.rollwright = None;
    assert_eq!(ethereum.differences(), []);
}

/// EIP-7610.
#[test]
fn storage_without_code_and_nonce_is_refused() {
    let mut genesis = dev();
    let slots = BTreeMap::from([(B256::ZERO, B256::repeat_byte(1))]);
    let account = GenesisAccount::default().with_storage(Some(slots));
    let place = Address::repeat_byte(0x31);
    genesis.alloc.insert(place, account.clone());
    let error = genesis.check().expect_err("refused").to_string();
    assert!(error.contains("EIP-7610"), "{error}");
    genesis.alloc.insert(place, account.with_nonce(Some(1)));
    assert_eq!(genesis.check(), Ok(()));
}
