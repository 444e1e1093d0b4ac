use super::*;
use crate::fees::GWEI;
use rollwright_core::DaHeight;

const CAPS: Caps = Caps {
    gas: 2 * GWEI,
    tip: GWEI,
    blob: 3 * GWEI,
};

fn posting(state: State) -> Posting {
    Posting {
        nonce: 7,
        unit: UnitId::default(),
        lane: DaLane::Batch,
        commitments: vec![B256::ZERO; 2],
        calldata: false,
        gas_limit: 25_000,
        made_ms: 0,
        attempts: vec![Attempt {
            hash: B256::repeat_byte(1),
            signed: Bytes::new(),
            caps: CAPS,
            made_at: 90,
        }],
        state,
    }
}

fn included() -> Inclusion {
    Inclusion {
        block: DaBlockId {
            height: DaHeight(95),
            hash: B256::ZERO,
        },
        blobs: vec![],
        paid: 17,
    }
}

const VIEW: View = View {
    nonce: 7,
    receipt: false,
    canonical: true,
    head: 100,
    finalized: Some(80),
    missing_since: None,
};

#[test]
fn a_nonce_that_is_open_is_tended() {
    for nonce in [5, 7] {
        let view = View { nonce, ..VIEW };
        assert_eq!(posting(State::Pending).decide(&view), Action::Tend);
    }
}

#[test]
fn a_used_nonce_with_a_receipt_is_located() {
    let view = View {
        nonce: 8,
        receipt: true,
        missing_since: Some(1),
        ..VIEW
    };
    assert_eq!(posting(State::Pending).decide(&view), Action::Locate);
}

#[test]
fn a_used_nonce_without_receipt_is_foreign_after_three_blocks() {
    let at = |missing_since| {
        let view = View {
            nonce: 8,
            missing_since,
            ..VIEW
        };
        posting(State::Pending).decide(&view)
    };
    assert_eq!(at(None), Action::Missing);
    assert_eq!(at(Some(98)), Action::Missing);
    assert_eq!(at(Some(97)), Action::Foreign);
}

#[test]
fn an_included_posting_is_undone_with_its_block_and_final_with_it() {
    let posting = posting(State::Included(included()));
    let orphaned = View {
        canonical: false,
        ..VIEW
    };
    assert_eq!(posting.decide(&orphaned), Action::Undo);
    assert_eq!(posting.decide(&VIEW), Action::Keep);
    let settled = View {
        finalized: Some(95),
        ..VIEW
    };
    assert_eq!(posting.decide(&settled), Action::Finalise);
}

#[test]
fn what_is_final_stays() {
    let view = View {
        canonical: false,
        ..VIEW
    };
    assert_eq!(
        posting(State::Final(included())).decide(&view),
        Action::Keep
    );
}

#[test]
fn a_pending_posting_binds_what_it_may_cost() {
    let bound = 25_000 * 2 * GWEI + 2 * 131_072 * 3 * GWEI;
    assert_eq!(posting(State::Pending).cost(), bound);
    assert_eq!(posting(State::Included(included())).cost(), 17);
}

#[test]
fn a_record_is_small_and_reads_back() {
    let bytes = borsh::to_vec(&posting(State::Included(included()))).unwrap();
    assert!(bytes.len() < 1_024);
    assert_eq!(
        borsh::from_slice::<Posting>(&bytes).unwrap(),
        posting(State::Included(included()))
    );
}
