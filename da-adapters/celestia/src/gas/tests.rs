use super::*;
use celestia_types::{Blob, nmt::Namespace};

#[test]
fn a_mebibyte_costs_what_the_network_says() {
    let shares = shares_needed(1 << 20, false);
    assert_eq!(shares, 2_176);
    let gas = gas(shares, 1);
    assert_eq!(gas, 8_988_596);
    // 35,954.384 utia; a fee that is not whole is rounded up.
    assert_eq!(GasPrice::NODE_DEFAULT.fee(gas), 35_955);
}

#[test]
fn shares_are_counted_as_celestia_types_counts_them() {
    let namespace = Namespace::new_v0(b"gizmo").unwrap();
    let signer = celestia_types::state::AccAddress::new(tendermint::account::Id::new([1; 20]));
    for bytes in [1usize, 457, 458, 459, 478, 479, 940, 941, 960, 961, 5_000] {
        let plain = Blob::new(namespace, vec![7; bytes], None).unwrap();
        assert_eq!(
            shares_needed(bytes as u64, false),
            plain.shares_len() as u64
        );
        let signed = Blob::new(namespace, vec![7; bytes], Some(signer)).unwrap();
        assert_eq!(
            shares_needed(bytes as u64, true),
            signed.shares_len() as u64
        );
    }
}

#[test]
fn the_largest_blob_of_so_many_shares_takes_them_all() {
    for shares in 1..2_000 {
        let bytes = bytes_in(shares);
        assert_eq!(shares_needed(bytes, false), shares);
        assert_eq!(shares_needed(bytes + 1, false), shares + 1);
    }
    assert_eq!(bytes_in(0), 0);
}

#[test]
fn subtree_widths_are_those_of_go_square() {
    // Cases of celestiaorg/go-square, inclusion/blob_share_commitment_rules_test.go.
    for (shares, width) in [
        (0, 1),
        (1, 1),
        (2, 1),
        (64, 1),
        (65, 2),
        (128, 2),
        (129, 4),
        (4_096, 64),
        (16_384, 128),
        (262_144, 512),
    ] {
        assert_eq!(subtree_width(shares), width, "{shares} shares");
    }
}

#[test]
fn a_width_never_overflows() {
    for shares in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 32) * ((1 << 32) - 1)] {
        assert!(subtree_width(shares).is_power_of_two());
    }
    assert_eq!(gas(u64::MAX, u64::MAX), u64::MAX);
    assert_eq!(bytes_in(u64::MAX), u64::MAX);
}

#[test]
fn prices_are_read_and_written_exactly() {
    for (text, micro) in [
        ("0.004", 4_000),
        ("0.01utia", 10_000),
        ("1", 1_000_000),
        ("0.000001 utia", 1),
        ("12.5utia", 12_500_000),
    ] {
        let price: GasPrice = text.parse().unwrap();
        assert_eq!(price.micro(), micro, "{text}");
        assert_eq!(price.to_string().parse::<GasPrice>().unwrap(), price);
        assert_eq!(GasPrice::from_f64(price.as_f64()), Some(price));
    }
    for text in [
        "",
        "utia",
        ".5",
        "5.",
        "-1",
        "1e3",
        "0.0000001",
        "0x10",
        "1 tia",
        "٣",
        "18446744073709551616",
    ] {
        assert!(text.parse::<GasPrice>().is_err(), "{text}");
    }
}

#[test]
fn what_is_no_price_is_refused() {
    for price in [f64::NAN, f64::INFINITY, -1.0, 1e30] {
        assert_eq!(GasPrice::from_f64(price), None);
    }
    assert_eq!(GasPrice::from_f64(0.0), Some(GasPrice::from_micro(0)));
    assert_eq!(
        GasPrice::from_f64(0.002_000_5),
        Some(GasPrice::from_micro(2_001))
    );
}

#[test]
fn the_price_for_a_fee_pays_it() {
    for (utia, gas) in [
        (1u64, 80_000u64),
        (35_955, 8_988_596),
        (7, 3),
        (0, 1),
        (5, 0),
    ] {
        assert!(GasPrice::for_fee(utia, gas).fee(gas.max(1)) >= u128::from(utia));
    }
}
