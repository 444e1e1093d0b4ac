use super::*;
use crate::Rules;
use alloc::{string::ToString, vec};
use alloy_primitives::keccak256;
use rollwright_core::LayerError as _;

fn good() -> RollupConfig {
    RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    })
}

fn refused(change: impl FnOnce(&mut RollupConfig)) -> ConfigError {
    let mut config = good();
    change(&mut config);
    config.validate().unwrap_err()
}

#[test]
fn development_chains_are_valid_at_every_speed() {
    let da_block_times = [
        50, 100, 250, 999, 1_000, 2_000, 4_000, 4_001, 12_000, 30_000, 35_000, 60_000, 99_999,
        100_000,
    ];
    for da_block_time_ms in da_block_times {
        for block_time_ms in [1, 50, 250, 1_000, 2_000, 30_000, 120_001, 600_000] {
            let config = RollupConfig::dev(DevChain {
                da_block_time_ms,
                block_time_ms,
                sequencer: Address::repeat_byte(1),
                fee_vault: Address::repeat_byte(2),
                ..DevChain::default()
            });
            assert_eq!(
                config.validate(),
                Ok(()),
                "{da_block_time_ms} {block_time_ms}"
            );
        }
    }
}

#[test]
fn every_relation_is_refused_with_key_values_and_cure() {
    type Case = (&'static str, &'static str, fn(&mut RollupConfig));
    let cases: [Case; 24] = [
        ("version", "RW-CFG-101", |c| c.version = 2),
        ("da.layer", "RW-CFG-103", |c| c.da.layer.clear()),
        ("keys", "RW-CFG-103", |c| c.keys.clear()),
        ("keys", "RW-CFG-104", |c| {
            c.keys = vec![c.keys[0].clone(), c.keys[0].clone()]
        }),
        ("keys", "RW-CFG-105", |c| c.keys[0].from = DaOrdinal(1)),
        ("keys.keys", "RW-CFG-102", |c| {
            c.keys[0].keys = vec![Address::ZERO]
        }),
        ("timing.window", "RW-CFG-102", |c| c.timing.window = 0),
        ("timing.window", "RW-CFG-106", |c| {
            c.timing.part_timeout = c.timing.window
        }),
        ("timing.window", "RW-CFG-107", |c| c.timing.window = 2_100),
        ("timing.forceDelay", "RW-CFG-102", |c| {
            c.timing.force_delay = 0
        }),
        ("timing.lapseInterval", "RW-CFG-106", |c| {
            c.timing.lapse_interval = 4
        }),
        ("timing.forceTtl", "RW-CFG-106", |c| c.timing.force_ttl = 2),
        ("timing.driftSeconds", "RW-CFG-106", |c| {
            c.timing.drift_seconds = 11
        }),
        ("forced.blockValidations", "RW-CFG-106", |c| {
            c.forced.block_validations = 1_000
        }),
        ("forced.blockBytes", "RW-CFG-106", |c| {
            c.forced.block_bytes = 1 << 20
        }),
        ("forced.blockGas", "RW-CFG-106", |c| {
            c.forced.block_gas = 160_000_000
        }),
        ("forced.queueCount", "RW-CFG-106", |c| {
            c.forced.queue_count = 200
        }),
        ("forced.queueBytes", "RW-CFG-106", |c| {
            c.forced.queue_bytes = 1 << 20
        }),
        ("gasLimit.gas", "RW-CFG-106", |c| {
            c.gas_limit[0].gas = 180_000_000
        }),
        ("gasLimit", "RW-CFG-103", |c| c.gas_limit.clear()),
        ("limits.blockBytes", "RW-CFG-107", |c| {
            c.limits.block_bytes = 8 << 20
        }),
        ("limits.batchBytes", "RW-CFG-106", |c| {
            c.limits.batch_bytes = 6 << 20
        }),
        ("limits.originBlocks", "RW-CFG-106", |c| {
            c.limits.origin_blocks = 3
        }),
        ("codecs", "RW-CFG-108", |c| {
            c.codecs.push(CodecId::DICTIONARY)
        }),
    ];
    for (key, code, change) in cases {
        let error = refused(change);
        let text = error.to_string();
        assert_eq!(error.code(), code, "{key}: {text}");
        assert!(
            text.contains(&alloc::format!("config.rollwright.{key}")),
            "{text}"
        );
        assert!(text.len() > 60, "says what to do: {text}");
    }
}

#[test]
fn more_steps_between_origins_need_a_wider_lane() {
    let error = refused(|config| config.timing.max_step = 20);
    assert!(
        matches!(
            error,
            ConfigError::TooSmall {
                required: 1_248,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn unknown_keys_are_refused_and_json_round_trips() {
    let text = serde_json::to_string(&good()).unwrap();
    assert_eq!(serde_json::from_str::<RollupConfig>(&text).unwrap(), good());
    let more = text.replacen("\"salt\"", "\"pepper\":1,\"salt\"", 1);
    let error = serde_json::from_str::<RollupConfig>(&more).unwrap_err();
    assert!(error.to_string().contains("pepper"), "{error}");
}

#[test]
fn the_encoding_of_the_configuration_does_not_drift() {
    let hash = keccak256(borsh::to_vec(&good()).unwrap());
    let amendment = Amendment {
        activation: DaOrdinal(7),
        change: AmendmentChange::GasLimit(400_000_000),
    };
    let digest = amendment.extend_digest(hash);
    assert_eq!(
        [hash.to_string(), digest.to_string()],
        [
            "0x078fc1ff3884555cb7f6b258a39fe47358b16b6fe8c4584b5bfea088ea2c038b",
            "0x627a36920f03e90a415db1c83ae2adfbbfa04edd08e0c5cd8ecf535ca848b5c2"
        ]
    );
}

fn rules(amendments: Vec<Amendment>) -> Result<Rules, ConfigError> {
    Rules::new(
        B256::repeat_byte(1),
        B256::repeat_byte(2),
        good(),
        amendments,
    )
}

fn amendment(at: u64, change: AmendmentChange) -> Amendment {
    Amendment {
        activation: DaOrdinal(at),
        change,
    }
}

#[test]
fn amendments_activate_in_order_and_chain_the_digest() {
    let list = vec![
        amendment(10, AmendmentChange::GasLimit(400_000_000)),
        amendment(20, AmendmentChange::Keys(vec![Address::repeat_byte(7)])),
        amendment(20, AmendmentChange::Codecs(vec![CodecId::ZSTD])),
    ];
    let rules = rules(list.clone()).unwrap();
    let [zero, ten, twenty] = [9, 19, 20].map(|at| rules.at(DaOrdinal(at)));
    assert_eq!(zero.digest, B256::repeat_byte(2));
    assert_eq!(ten.digest, list[0].extend_digest(zero.digest));
    let last = list[2].extend_digest(list[1].extend_digest(ten.digest));
    assert_eq!(twenty.digest, last);
    assert_eq!(
        [zero.gas_limit, ten.gas_limit],
        [1_000_000_000, 400_000_000]
    );
    assert_eq!(twenty.keys, [Address::repeat_byte(7)]);
    assert_eq!(twenty.key_entry, DaOrdinal(20));
    assert_eq!(twenty.codecs, [CodecId::ZSTD]);
    assert!(!ten.discards, "a gas limit judges no posting");
    assert!(twenty.discards);
}

#[test]
fn bad_amendments_are_refused_by_index() {
    let gas = |at, gas| amendment(at, AmendmentChange::GasLimit(gas));
    let order = rules(vec![gas(10, 400_000_000), gas(9, 400_000_000)]).unwrap_err();
    assert!(matches!(
        order,
        ConfigError::AmendmentOrder {
            index: 1,
            required: 10,
            ..
        }
    ));
    let genesis = rules(vec![gas(0, 400_000_000)]).unwrap_err();
    assert!(matches!(
        genesis,
        ConfigError::AmendmentOrder {
            index: 0,
            required: 1,
            ..
        }
    ));
    let small = rules(vec![gas(5, 400_000_000), gas(10, 5)]).unwrap_err();
    assert!(
        matches!(small, ConfigError::Amended { index: 1, .. }),
        "{small}"
    );
    let late = rules(vec![gas(10, 400_000_000)]).unwrap();
    assert_eq!(late.check_not_too_late(0, DaOrdinal(9)), Ok(()));
    assert!(late.check_not_too_late(0, DaOrdinal(10)).is_err());
    assert_eq!(late.check_not_too_late(1, DaOrdinal(10)), Ok(()));
}

fn epoch(at: u64, change: impl Fn(&mut DaEpochConfig)) -> Amendment {
    let mut next = good().da;
    change(&mut next);
    amendment(at, AmendmentChange::DaEpoch(alloc::boxed::Box::new(next)))
}

#[test]
fn da_epochs_begin_where_amendments_say() {
    let named = |at, layer: &'static str| epoch(at, move |da| da.layer = layer.into());
    let rules = rules(vec![named(10, "celestia"), named(25, "ethereum")]).unwrap();
    let layer = |ordinal| {
        let epoch = rules.epoch_at(DaOrdinal(ordinal));
        (epoch.index, epoch.begins.0, epoch.config.layer.clone())
    };
    assert_eq!(layer(9), (0, 0, good().da.layer));
    assert_eq!(layer(10), (1, 10, "celestia".into()));
    assert_eq!(layer(24), (1, 10, "celestia".into()));
    assert_eq!(layer(25), (2, 25, "ethereum".into()));
    assert!(rules.at(DaOrdinal(10)).discards);
    let digests = [0, 10, 25].map(|at| rules.at(DaOrdinal(at)).digest);
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
}

#[test]
fn an_epoch_without_a_da_block_is_refused() {
    let same = |da: &mut DaEpochConfig| da.network = "other".into();
    let twice = rules(vec![epoch(10, same), epoch(10, same)]).unwrap_err();
    let order = ConfigError::AmendmentOrder {
        index: 1,
        found: 10,
        required: 11,
    };
    assert_eq!(twice, order);
}

#[test]
fn an_epochs_layer_is_checked_against_the_other_constants() {
    let slow = rules(vec![epoch(10, |da| da.block_time_ms = 3_600_000)]).unwrap_err();
    assert!(
        matches!(slow, ConfigError::Amended { index: 0, .. }),
        "{slow}"
    );
    let nameless = rules(vec![epoch(10, |da| da.address.clear())]).unwrap_err();
    assert_eq!(nameless.code(), "RW-CFG-103");
}

#[test]
fn the_next_change_is_announced_and_known_by_its_digest() {
    let gas = |at| amendment(at, AmendmentChange::GasLimit(400_000_000));
    let list = vec![
        gas(10),
        amendment(25, AmendmentChange::Timing(good().timing)),
        epoch(25, |da| da.layer = "celestia".into()),
    ];
    let all = rules(list.clone()).unwrap();
    let first = all.announcement(DaOrdinal(9)).unwrap();
    assert_eq!((first.activation.0, first.change), (10, 1));
    assert_eq!(first.layer, "");
    let second = all.announcement(DaOrdinal(10)).unwrap();
    assert_eq!((second.activation.0, second.change), (25, 7));
    assert_eq!(second.layer, "celestia");
    assert_eq!(all.announcement(DaOrdinal(25)), None);
    // Who has less, or something else there, lacks it.
    for lacking in [vec![], vec![gas(10)], vec![gas(10), gas(25)]] {
        let lacking = rules(lacking).unwrap();
        assert!(!lacking.hold(&second));
    }
    assert!(all.hold(&first) && all.hold(&second));
    assert!(rules(list[..1].to_vec()).unwrap().hold(&first));
}
