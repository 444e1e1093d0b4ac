use super::{edit::named, *};
use rollwright_core::Address;
use rollwright_derive::{DevChain, RollupConfig};

#[test]
fn one_value_changes_and_comments_stay() {
    let text = "# mine\n[da]\nuse = \"local\"                    # the one line\nbatch-interval = \"4s\"\n\n[da.local]\nblock-time = \"1s\"\n";
    let expected = text.replacen("\"local\"", "\"celestia\"", 1);
    assert_eq!(named(text, "celestia").as_deref(), Some(expected.as_str()));
    assert_eq!(named(&expected, "celestia"), None);
    let without = "[chain]\nid = 7\n";
    let added = named(without, "celestia").unwrap();
    assert!(added.starts_with(without), "{added}");
    assert!(added.contains("[da]\nuse = \"celestia\"\n"), "{added}");
}

#[test]
fn timing_is_adapted_to_every_block_time_of_a_layer() {
    let dev = RollupConfig::dev(DevChain {
        sequencer: Address::repeat_byte(1),
        fee_vault: Address::repeat_byte(2),
        ..DevChain::default()
    });
    for interval in [50, 1_000, 2_600, 6_000, 12_000, 60_000] {
        let mut next = dev.clone();
        next.da.block_time_ms = interval;
        next.timing = timing_for(&dev.timing, interval);
        next.validate()
            .unwrap_or_else(|error| panic!("{interval}: {error}"));
    }
    assert_eq!(
        timing_for(&dev.timing, 2_000),
        dev.timing,
        "nothing to adapt"
    );
}

#[test]
fn each_refusal_has_a_code_of_its_own() {
    let text = String::new;
    let errors = [
        SwitchError::NoEndpoint {
            key: "a",
            what: "b",
        },
        SwitchError::OldUnreachable {
            layer: text(),
            reason: text(),
        },
        SwitchError::CheckFailed {
            layer: text(),
            step: text(),
            reason: text(),
        },
        SwitchError::AnotherOpen {
            layer: text(),
            begins: 1,
            now: 0,
        },
        SwitchError::TooNear {
            last: 1,
            now: 1,
            least: 1,
            first: 2,
        },
        SwitchError::WouldStall {
            wait_seconds: 1,
            reason: text(),
            help: text(),
        },
        SwitchError::Same {
            layer: text(),
            network: text(),
            address: text(),
        },
        SwitchError::Rules { reason: text() },
    ];
    let codes: std::collections::BTreeSet<_> = errors.iter().map(LayerError::code).collect();
    assert_eq!(codes.len(), errors.len());
}
