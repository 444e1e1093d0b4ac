use super::*;
use proptest::prelude::*;

const CALM: Market = Market {
    base_fee: 10 * GWEI,
    blob_base_fee: 3 * GWEI,
    tip: GWEI,
};

fn offer(caps: Caps) -> Offer {
    Offer {
        caps,
        made_at: 100,
        step: 0,
    }
}

#[test]
fn a_first_offer_leaves_room_for_a_doubling() {
    let caps = FeeLimits::default().first(CALM).unwrap();
    assert_eq!(
        caps,
        Caps {
            gas: 21 * GWEI,
            tip: GWEI,
            blob: 6 * GWEI
        }
    );
}

#[test]
fn blob_gas_is_offered_a_gwei_at_least() {
    let market = Market {
        blob_base_fee: 1,
        ..CALM
    };
    assert_eq!(FeeLimits::default().first(market).unwrap().blob, GWEI);
}

#[test]
fn a_price_above_its_ceiling_is_held() {
    let market = Market {
        blob_base_fee: 31 * GWEI,
        ..CALM
    };
    let ceiling = FeeLimits::default().first(market).unwrap_err();
    assert_eq!(ceiling.key, "max-blob-fee");
    assert_eq!(ceiling.needed, 31 * GWEI);
    let market = Market {
        base_fee: 200 * GWEI,
        ..CALM
    };
    assert_eq!(
        FeeLimits::default().first(market).unwrap_err().key,
        "max-gas-fee"
    );
}

#[test]
fn an_offer_above_the_prices_is_left_alone_until_it_is_stuck() {
    let limits = FeeLimits::default();
    let waiting = offer(limits.first(CALM).unwrap());
    assert_eq!(limits.next(CALM, &waiting, 105), Step::Keep);
    let Step::Replace(caps) = limits.next(CALM, &waiting, 106) else {
        panic!("not replaced");
    };
    assert_eq!(caps, waiting.caps.doubled());
}

#[test]
fn a_spike_replaces_at_once_by_twice_or_more() {
    let limits = FeeLimits::default();
    let waiting = offer(limits.first(CALM).unwrap());
    let spike = Market {
        blob_base_fee: 7 * GWEI,
        ..CALM
    };
    let Step::Replace(caps) = limits.next(spike, &waiting, 101) else {
        panic!("not replaced");
    };
    assert_eq!(caps.blob, 14 * GWEI);
    assert_eq!(caps.tip, 2 * GWEI);
    assert_eq!(caps.gas, 42 * GWEI);
}

#[test]
fn a_step_above_a_ceiling_is_not_taken() {
    let limits = FeeLimits::default();
    let waiting = offer(Caps {
        gas: 21 * GWEI,
        tip: 3 * GWEI,
        blob: 6 * GWEI,
    });
    assert_eq!(
        limits.next(CALM, &waiting, 200),
        Step::Held(Ceiling {
            key: "max-tip",
            needed: 6 * GWEI,
            limit: 5 * GWEI
        })
    );
}

#[test]
fn replacements_end() {
    let limits = FeeLimits::default();
    let last = Offer {
        step: 4,
        ..offer(limits.first(CALM).unwrap())
    };
    assert_eq!(limits.next(CALM, &last, 10_000), Step::Keep);
}

/// A market that rises by 12.5 % per block for a while and falls again: the
/// number of transactions and the price stay bounded.
#[test]
fn a_spike_costs_a_few_replacements() {
    let limits = FeeLimits::default();
    let mut market = CALM;
    let mut waiting = Offer {
        caps: limits.first(market).unwrap(),
        made_at: 0,
        step: 0,
    };
    let mut replacements = 0;
    for head in 1..200 {
        let rising = head < 30;
        let change = market.blob_base_fee / 8;
        market.blob_base_fee = if rising {
            market.blob_base_fee + change
        } else {
            market.blob_base_fee - change
        };
        if let Step::Replace(caps) = limits.next(market, &waiting, head) {
            replacements += 1;
            waiting = Offer {
                caps,
                made_at: head,
                step: waiting.step + 1,
            };
        }
    }
    assert!((1..=4).contains(&replacements), "{replacements}");
    assert!(waiting.caps.blob <= limits.max_blob_fee);
}

#[test]
fn calldata_wins_only_when_small_or_when_blobs_are_dear() {
    let part = vec![7; 1_000];
    let market = Market {
        base_fee: GWEI,
        blob_base_fee: GWEI / 16,
        tip: 0,
    };
    let calldata = |bytes: &[u8]| calldata_cost(market, CalldataPrice::PRAGUE, bytes);
    assert!(calldata(&part) > blob_cost(market, 1, 1));
    assert!(calldata(&part[..150]) < blob_cost(market, 1, 1));
    assert_eq!(CalldataPrice::PRAGUE.gas(&[0, 0, 1]), 60);
}

#[test]
fn the_choice_has_hysteresis() {
    let mut chooser = Chooser::default();
    assert!(!chooser.calldata(10, 100, 50));
    assert!(!chooser.calldata(14, 100, 50));
    assert!(chooser.calldata(15, 100, 50));
    assert!(!chooser.calldata(16, 100, 81), "not a fifth cheaper");
    assert!(!chooser.calldata(17, 100, 50), "begins anew");
}

#[test]
fn a_planned_change_takes_effect_at_its_time() {
    let schedule = BlobSchedule {
        current: BlobParams::osaka(),
        next: Some((1_000, BlobParams::bpo1())),
    };
    assert_eq!(schedule.at(999).max_blob_count, 9);
    assert_eq!(schedule.at(1_000).max_blob_count, 15);
}

proptest! {
    #[test]
    fn a_replacement_is_twice_of_everything_and_below_the_ceilings(
        base in 0..300 * GWEI, blob in 0..40 * GWEI, tip in 0..10 * GWEI,
        later in 0..300 * GWEI, later_blob in 0..40 * GWEI, age in 0..20u64,
    ) {
        let limits = FeeLimits::default();
        let market = Market { base_fee: base, blob_base_fee: blob, tip };
        if let Ok(caps) = limits.first(market) {
            prop_assert!(caps.gas >= base + caps.tip && caps.blob >= blob);
            prop_assert!(caps.gas <= limits.max_gas_fee && caps.blob <= limits.max_blob_fee);
            let market = Market { base_fee: later, blob_base_fee: later_blob, tip };
            if let Step::Replace(new) = limits.next(market, &offer(caps), 100 + age) {
                prop_assert!(new.gas >= 2 * caps.gas && new.tip >= 2 * caps.tip && new.blob >= 2 * caps.blob);
                prop_assert!(new.gas <= limits.max_gas_fee && new.blob <= limits.max_blob_fee && new.tip <= limits.max_tip);
            }
        }
    }
}
