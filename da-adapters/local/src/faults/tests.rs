use super::*;
use proptest::prelude::*;

#[test]
fn a_list_of_faults_is_read_and_written() {
    let text = "latency=50ms..2s,refuse=5%,prune=100,reorg=3@2%,lose=0.5%,shuffle";
    let faults: Faults = text.parse().unwrap();
    assert_eq!(
        faults,
        Faults {
            latency: Some((Duration::from_millis(50), Duration::from_secs(2))),
            refuse: Share::from_percent(5),
            prune: Some(100),
            reorg: Some(ReorgFault {
                max_depth: 3,
                share: Share::from_percent(2)
            }),
            lose: Share::from_millionths(5_000),
            shuffle: true,
        }
    );
    assert_eq!(
        faults.to_string(),
        "latency=50ms..2000ms,refuse=5%,prune=100,reorg=3@2%,lose=0.5%,shuffle"
    );
    assert_eq!("none".parse::<Faults>().unwrap(), Faults::default());
    assert_eq!(Faults::default().to_string(), "none");
}

#[test]
fn what_is_no_fault_is_named() {
    for text in [
        "",
        "fire",
        "refuse",
        "refuse=5",
        "refuse=101%",
        "refuse=-1%",
        "refuse=1.00001%",
        "latency=2s..1s",
        "latency=5m",
        "latency=99999999999999999999s",
        "reorg=3",
        "reorg=0@2%",
        "prune=x",
        "shuffle=yes",
        "refuse=5%,,",
    ] {
        let error = text.parse::<Faults>().unwrap_err();
        assert!(
            error.to_string().contains("is not a fault"),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_share_is_met_over_many_calls() {
    let dice = Dice::new(1, "refuse=10%".parse().unwrap());
    let refused = (0..10_000).filter(|_| dice.call().refused).count();
    assert!((800..1_200).contains(&refused), "{refused}");
}

#[test]
fn one_seed_has_one_fate_and_another_seed_another() {
    let fates = |seed| {
        let dice = Dice::new(seed, "latency=0ms..9s,refuse=30%".parse().unwrap());
        (0..64).map(|_| dice.call()).collect::<Vec<_>>()
    };
    assert_eq!(fates(1), fates(1));
    assert_ne!(fates(1), fates(2));
    assert!(
        fates(1)
            .iter()
            .all(|fate| fate.delay <= Duration::from_secs(9))
    );
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same(
        latency in prop::option::of((0_u64..100_000, 0_u64..100_000)),
        refuse in 0_u32..=1_000_000,
        prune in any::<Option<u64>>(),
        reorg in prop::option::of((1_u64..100, 0_u32..=1_000_000)),
        lose in 0_u32..=1_000_000,
        shuffle: bool,
    ) {
        let ms = Duration::from_millis;
        let faults = Faults {
            latency: latency.map(|(low, more)| (ms(low), ms(low + more))),
            refuse: Share(refuse),
            prune,
            reorg: reorg.map(|(max_depth, share)| ReorgFault { max_depth, share: Share(share) }),
            lose: Share(lose),
            shuffle,
        };
        prop_assert_eq!(faults.to_string().parse::<Faults>().unwrap(), faults);
    }

    #[test]
    fn hostile_text_does_not_panic(text in ".{0,200}") {
        let _ = text.parse::<Faults>();
    }
}
