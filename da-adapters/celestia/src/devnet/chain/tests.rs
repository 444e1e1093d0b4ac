#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::devnet::{ExtendedSquare, Square};

fn dah() -> DataAvailabilityHeader {
    ExtendedSquare::new(&Square::empty()).unwrap().dah().clone()
}

fn headers(validators: &Validators, count: u64) -> Vec<ExtendedHeader> {
    let mut headers: Vec<ExtendedHeader> = Vec::new();
    for n in 0..count {
        let header = validators
            .header(
                headers.last(),
                validators,
                1_700_000_000_000 + n,
                [1; 32],
                dah(),
            )
            .unwrap();
        headers.push(header);
    }
    headers
}

#[test]
fn headers_are_accepted_by_celestia_types() {
    let validators = Validators::new("private", 1, 4).unwrap();
    let headers = headers(&validators, 5);
    for header in &headers {
        header.validate().unwrap();
        assert_eq!(header.commit.signatures.len(), 4);
    }
    for pair in headers.windows(2) {
        pair[0].verify_adjacent(&pair[1]).unwrap();
    }
    headers[0].verify(&headers[4]).unwrap();
    let json = serde_json::to_string(&headers[3]).unwrap();
    let read: ExtendedHeader = serde_json::from_str(&json).unwrap();
    assert_eq!(read, headers[3]);
}

#[test]
fn another_seed_or_network_is_another_chain() {
    let ours = headers(&Validators::new("private", 1, 4).unwrap(), 3);
    for other in [
        Validators::new("private", 2, 4).unwrap(),
        Validators::new("other", 1, 4).unwrap(),
    ] {
        let theirs = headers(&other, 3);
        theirs[2].validate().unwrap();
        assert!(ours[0].verify(&theirs[2]).is_err());
        assert!(ours[1].verify_adjacent(&theirs[2]).is_err());
    }
}

#[test]
fn validators_change_where_the_header_before_says_so() {
    let old = Validators::new("private", 1, 4).unwrap();
    let new = Validators::new("private", 2, 3).unwrap();
    let first = old
        .header(None, &new, 1_700_000_000_000, [1; 32], dah())
        .unwrap();
    let second = new.header(Some(&first), &new, 0, [1; 32], dah()).unwrap();
    second.validate().unwrap();
    first.verify_adjacent(&second).unwrap();
    let unannounced = old
        .header(None, &old, 1_700_000_000_000, [1; 32], dah())
        .unwrap();
    let second = new
        .header(Some(&unannounced), &new, 0, [1; 32], dah())
        .unwrap();
    assert!(unannounced.verify_adjacent(&second).is_err());
}

#[test]
fn every_forgery_is_refused() {
    let validators = Validators::new("private", 1, 4).unwrap();
    let headers = headers(&validators, 3);
    for forgery in [
        Forgery::FewSignatures,
        Forgery::OtherValidators,
        Forgery::OtherRoots,
        Forgery::TimeBack,
    ] {
        let forged = validators
            .forge(&headers[2], Some(&headers[1]), forgery)
            .unwrap();
        let refused = forged.validate().is_err() || headers[1].verify_adjacent(&forged).is_err();
        assert!(refused, "{forgery:?}");
    }
}

#[test]
fn a_network_without_name_is_refused() {
    assert!(Validators::new("", 1, 4).is_err());
    assert!(Validators::new(&"n".repeat(80), 1, 4).is_err());
}
