use super::*;
use rollwright_core::{Address, DaHeight, DaOrdinal};
use rollwright_derive::{CodecId, DaEpochConfig, DevChain, SequencingPolicy};

fn rollup() -> RollupConfig {
    RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    })
}

fn all_kinds() -> Vec<Amendment> {
    let rollup = rollup();
    let changes = [
        AmendmentChange::Keys(vec![Address::repeat_byte(3)]),
        AmendmentChange::GasLimit(400_000_000),
        AmendmentChange::Policy(SequencingPolicy::Single),
        AmendmentChange::Timing(rollup.timing),
        AmendmentChange::Forced(rollup.forced),
        AmendmentChange::Limits(rollup.limits),
        AmendmentChange::Codecs(vec![CodecId::NONE, CodecId::ZSTD]),
        AmendmentChange::DaEpoch(Box::new(DaEpochConfig {
            layer: "celestia".into(),
            network: "mocha-4".into(),
            address: "gizmo".into(),
            forced_address: None,
            posters: Vec::new(),
            start_height: DaHeight(2_127_600),
            block_time_ms: 2_600,
        })),
    ];
    let amend = |(index, change)| Amendment {
        activation: DaOrdinal(900 + 100 * index as u64),
        change,
    };
    changes.into_iter().enumerate().map(amend).collect()
}

/// Every kind as it stands in a file. Others write these by hand: a change of
/// the text is a change of the format.
const TEXT: &str = include_str!("all-kinds.json");

#[test]
fn every_kind_has_its_exact_text() {
    let amendments = Amendments {
        rollup_id: Some(B256::repeat_byte(0x2f)),
        list: all_kinds(),
    };
    assert_eq!(amendments.to_json(), TEXT);
    assert_eq!(Amendments::from_json(TEXT), Ok(amendments));
}

#[test]
fn every_kind_is_valid_on_a_development_chain() {
    let found = epochs(&rollup(), &all_kinds()).unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[1].config.layer, "celestia");
    assert_eq!(found[1].begins, DaOrdinal(1_600));
}

#[test]
fn unknown_keys_kinds_and_versions_are_refused() {
    for (from, to, said) in [
        ("\"version\": 1", "\"version\": 2", "version is 2"),
        ("\"rollupId\"", "\"rollup\"", "rollup"),
        ("\"gasLimit\"", "\"gas\"", "gas"),
        ("\"startHeight\"", "\"firstHeight\"", "firstHeight"),
        ("\"activation\": 900", "\"activation\": -1", "-1"),
        ("\"window\"", "\"windows\"", "windows"),
    ] {
        assert!(TEXT.contains(from), "{from}");
        let error = Amendments::from_json(&TEXT.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn a_list_goes_on_another_only_where_it_begins_with_it() {
    let of = |count: usize| Amendments {
        rollup_id: None,
        list: all_kinds()[..count].to_vec(),
    };
    assert!(of(0).begin(&of(2)) && of(2).begin(&of(2)) && of(2).begin(&of(3)));
    assert!(!of(3).begin(&of(2)));
    let mut other = of(3);
    other.list[0].activation = DaOrdinal(901);
    assert!(!of(2).begin(&other));
}

#[test]
fn a_list_that_cannot_be_is_refused_with_its_reason() {
    let mut list = all_kinds();
    list.swap(0, 1);
    let error = epochs(&rollup(), &list).unwrap_err();
    assert!(error.contains("900"), "{error}");
}
