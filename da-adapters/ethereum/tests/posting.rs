//! What happens to transactions between us and a strict pool.
#![cfg(feature = "rpc")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use alloy_primitives::Address;
use common::{clock, l1::L1, mock_config, unit};
use rollwright_core::{
    DaHeight, DataAvailability, ErrorKind, LayerError as _, PostingUnit, SubmissionStatus,
};
use rollwright_da_ethereum::{
    Cargo, Draft, EthereumDa, EthereumDaConfig, Inbox, Signer,
    fees::{Caps, GWEI},
    inbox_of,
};

async fn open(l1: &L1, change: impl FnOnce(&mut EthereumDaConfig)) -> EthereumDa {
    let mut config = mock_config(l1, &["good"]);
    change(&mut config);
    EthereumDa::connect(config, clock()).await.unwrap()
}

async fn is_included(da: &EthereumDa, unit: &PostingUnit) -> bool {
    let submission = da.submit(unit).await.unwrap();
    matches!(submission.status, SubmissionStatus::Included { .. })
}

async fn refused(da: &EthereumDa, unit: &PostingUnit) -> (&'static str, ErrorKind) {
    let error = da.submit(unit).await.unwrap_err();
    (error.code(), error.kind())
}

#[tokio::test]
async fn a_fee_spike_is_answered_by_offers_that_the_pool_takes() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    let unit = unit("spike", 1);
    assert!(!is_included(&da, &unit).await);
    let before = l1.world().offers()[0];
    l1.world().blob_base_fee = 5 * GWEI;
    l1.world().mine();
    assert!(!is_included(&da, &unit).await);
    let after = l1.world().offers();
    assert_eq!(after.len(), 1, "replaced, not added");
    assert!(after[0].0 >= 2 * before.0 && after[0].1 >= 2 * before.1);
    assert!(after[0].2 >= 10 * GWEI);
    l1.world().mine();
    assert!(is_included(&da, &unit).await);
    assert_eq!(l1.world().taken, 2);
}

#[tokio::test]
async fn a_transaction_that_is_not_taken_into_a_block_is_replaced_after_a_while() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    let unit = unit("stuck", 1);
    assert!(!is_included(&da, &unit).await);
    l1.world().room = 0;
    for _ in 0..6 {
        assert_eq!(l1.world().taken, 1);
        l1.world().mine();
        assert!(!is_included(&da, &unit).await);
    }
    assert_eq!(l1.world().taken, 2);
    l1.world().room = 6;
    l1.world().mine();
    assert!(is_included(&da, &unit).await);
}

#[tokio::test]
async fn a_pool_that_forgets_is_told_again() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    let unit = unit("forgotten", 1);
    l1.world().forgetful = true;
    assert!(!is_included(&da, &unit).await);
    assert_eq!(l1.world().pooled(), 0);
    l1.world().forgetful = false;
    l1.world().mine();
    assert!(!is_included(&da, &unit).await);
    assert_eq!(l1.world().pooled(), 1);
    l1.world().mine();
    assert!(is_included(&da, &unit).await);
}

#[tokio::test]
async fn too_dear_an_l1_holds_posting_and_says_so() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    l1.world().blob_base_fee = 31 * GWEI;
    let held = unit("held", 1);
    assert_eq!(
        refused(&da, &held).await,
        ("RW-DA-619", ErrorKind::Temporary)
    );
    assert_eq!(l1.world().taken, 0);
    l1.world().blob_base_fee = 1;
    l1.world().mine();
    assert!(!is_included(&da, &held).await);
    l1.world().mine();
    assert!(is_included(&da, &held).await);
}

#[tokio::test]
async fn an_empty_account_and_a_spent_limit_are_told() {
    let l1 = L1::start().await;
    l1.world().balance = 1_000;
    let da = open(&l1, |_| ()).await;
    let first = unit("poor", 1);
    assert_eq!(
        refused(&da, &first).await,
        ("RW-DA-618", ErrorKind::Temporary)
    );
    l1.world().balance = u128::from(u64::MAX) * 1_000;
    // Nothing has to be restarted.
    assert!(!is_included(&da, &first).await);
    let thrifty = open(&l1, |config| config.fees.max_spend_per_day = 1_000).await;
    let code = refused(&thrifty, &unit("thrifty", 1)).await;
    assert_eq!(code, ("RW-DA-620", ErrorKind::Temporary));
}

#[tokio::test]
async fn what_a_node_refuses_is_forgotten_and_its_nonce_used_again() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    l1.world().refusal = Some("blob sidecar version not supported".into());
    let code = refused(&da, &unit("refused", 1)).await;
    assert_eq!(code, ("RW-DA-622", ErrorKind::Rejected));
    l1.world().refusal = None;
    let next = unit("next", 1);
    assert!(!is_included(&da, &next).await);
    l1.world().mine();
    assert!(is_included(&da, &next).await);
}

#[tokio::test]
async fn a_second_user_of_the_account_stops_posting() {
    let l1 = L1::start().await;
    let da = open(&l1, |_| ()).await;
    let unit = unit("ours", 1);
    assert!(!is_included(&da, &unit).await);
    // Nonce 0, by somebody with the same key.
    let draft = Draft {
        chain_id: 1_337,
        nonce: 0,
        to: Address::ZERO,
        gas_limit: 21_000,
        caps: Caps {
            gas: 1,
            tip: 1,
            blob: 1,
        },
        cargo: Cargo::Calldata(Default::default()),
    };
    let foreign = draft.sign(&Signer::new(common::KEY).unwrap()).unwrap();
    l1.world().foreign(foreign);
    for _ in 0..3 {
        assert!(!is_included(&da, &unit).await);
        l1.world().mine();
    }
    assert_eq!(refused(&da, &unit).await, ("RW-DA-623", ErrorKind::Fatal));
}

/// Seven blobs in one unit where a transaction takes three and a block six.
#[tokio::test]
async fn a_unit_may_need_several_transactions_and_blocks() {
    let l1 = L1::start().await;
    let da = open(&l1, |config| config.blobs_per_tx = 3).await;
    let unit = unit("long", 7);
    assert!(!is_included(&da, &unit).await);
    assert_eq!(l1.world().pooled(), 3);
    l1.world().mine();
    assert!(!is_included(&da, &unit).await);
    l1.world().mine();
    let SubmissionStatus::Included { blobs } = da.submit(&unit).await.unwrap().status else {
        panic!("not included");
    };
    let places: Vec<(u64, u32)> = blobs
        .iter()
        .map(|at| (at.block.height.0, at.index))
        .collect();
    assert_eq!(
        places,
        [(1, 0), (1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 0)]
    );
}

#[tokio::test]
async fn calldata_is_chosen_by_price_after_a_while_and_read_back() {
    let l1 = L1::start().await;
    l1.world().blob_base_fee = GWEI;
    let da = open(&l1, |config| {
        let address = format!("{}+calldata", inbox_of(42_069, "test"));
        config.inbox = Inbox::parse(&address, None, &[]).unwrap();
        config.calldata_when_cheaper = true;
    })
    .await;
    let mut kinds = Vec::new();
    for index in 0..7 {
        let unit = unit(&format!("small {index}"), 1);
        assert!(!is_included(&da, &unit).await);
        l1.world().mine();
        assert!(is_included(&da, &unit).await);
        let block = da.fetch(DaHeight(index + 1), None).await.unwrap();
        assert_eq!(block.blobs[0].data, unit.blobs[0].data);
        let claim = rollwright_core::DaClaim::Complete {
            blobs: block.blobs.clone(),
        };
        da.verify(&block.header, &claim, &block.completeness)
            .unwrap();
        kinds.push(block.blobs[0].reference.commitment[0] == 1);
    }
    assert_eq!(kinds[..5], [true; 5], "five blocks of hysteresis");
    assert!(!kinds[5] && !kinds[6]);
}
