use super::*;
use proptest::prelude::*;

fn secret(n: u8) -> SampleSecret {
    SampleSecret::new([n; 32])
}

proptest! {
    #[test]
    fn places_are_distinct_and_inside(seed: [u8; 32], height: u64, log in 1u32..9, samples in 0u16..300) {
        let width = 1u16 << log;
        let places = draw(&SampleSecret::new(seed), height, width, samples);
        let total = usize::from(width) * usize::from(width);
        prop_assert_eq!(places.len(), usize::from(samples).min(total));
        prop_assert!(places.iter().all(|place| place.row < width && place.column < width));
        let distinct: BTreeSet<_> = places.iter().collect();
        prop_assert_eq!(distinct.len(), places.len());
    }

    #[test]
    fn a_longer_draw_goes_on_with_a_shorter_one(seed: [u8; 32], height: u64, samples in 1u16..60) {
        let long = draw(&SampleSecret::new(seed), height, 16, 64);
        let short = draw(&SampleSecret::new(seed), height, 16, samples);
        prop_assert_eq!(&long[..short.len()], &short[..]);
    }

    #[test]
    fn confidence_is_never_below_the_bound(log in 1u32..11, samples in 0usize..64) {
        let bound = 1.0 - 0.75f64.powi(samples as i32);
        let exact = confidence(1 << log, samples);
        prop_assert!(exact >= bound - 1e-12 && exact <= 1.0, "{} {}", exact, bound);
        prop_assert!(confidence(1 << log, samples + 1) >= exact);
    }
}

#[test]
fn another_secret_or_height_is_another_draw() {
    let places = draw(&secret(1), 7, 64, 16);
    assert_eq!(places, draw(&secret(1), 7, 64, 16));
    assert_ne!(places, draw(&secret(2), 7, 64, 16));
    assert_ne!(places, draw(&secret(1), 8, 64, 16));
}

#[test]
fn every_share_is_as_likely_as_another() {
    let mut counts = [0u32; 64];
    for height in 0..8_000 {
        for place in draw(&secret(3), height, 8, 4) {
            counts[usize::from(place.row) * 8 + usize::from(place.column)] += 1;
        }
    }
    // 500 expected for each; six standard deviations are 131.
    assert!(
        counts.iter().all(|count| count.abs_diff(500) < 131),
        "{counts:?}"
    );
}

/// Of a square of 16 shares the least unrecoverable set has 9: the chance is
/// counted over all choices of samples.
#[test]
fn confidence_is_what_counting_gives() {
    let withheld = 0b0000_0111_0111_0111u32;
    for samples in 0..=16u32 {
        let (mut all, mut noticed) = (0u32, 0u32);
        for choice in 0..1u32 << 16 {
            if choice.count_ones() == samples {
                all += 1;
                noticed += u32::from(choice & withheld != 0);
            }
        }
        let counted = f64::from(noticed) / f64::from(all);
        let found = confidence(4, samples as usize);
        assert!(
            (counted - found).abs() < 1e-12,
            "{samples}: {counted} {found}"
        );
    }
}

#[test]
fn a_square_of_one_share_needs_one_sample() {
    assert_eq!(confidence(2, 0), 0.0);
    assert_eq!(confidence(2, 1), 1.0);
    assert!((confidence(256, 16) - 0.9902).abs() < 1e-3);
}

#[test]
fn the_secret_is_not_shown() {
    assert_eq!(format!("{:?}", secret(9)), "SampleSecret(…)");
}
