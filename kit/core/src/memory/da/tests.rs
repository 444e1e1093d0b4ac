use super::*;
use crate::{ErrorKind, LayerError as _, ManualClock, SubmissionStatus};
use futures_util::FutureExt as _;
use std::time::Duration;

fn now<T>(future: impl Future<Output = Result<T, MemoryDaError>>) -> Result<T, MemoryDaError> {
    future.now_or_never().expect("ready at once")
}

#[test]
fn a_clock_makes_the_blocks_that_are_due() {
    let clock = ManualClock::at(1_000_000);
    let config = MemoryDaConfig {
        mining: Mining::ByClock(Arc::new(clock.clone())),
        block_time: Duration::from_millis(250),
        ..MemoryDaConfig::default()
    };
    let da = MemoryDa::new(config);
    assert_eq!(now(da.head()).expect("head").observed.height, DaHeight(0));
    clock.advance(Duration::from_millis(2_600));
    assert_eq!(now(da.head()).expect("head").observed.height, DaHeight(10));
    let header = now(da.header(DaHeight(10))).expect("header");
    assert_eq!(header.time, 1_700_000_002);
}

#[test]
fn namespaces_share_blocks_and_not_blobs() {
    let ours = MemoryDa::default();
    let theirs = ours.namespaced("theirs");
    ours.post(DaLane::Batch, "ours").expect("posted");
    theirs.post(DaLane::Batch, "theirs").expect("posted");
    let header = ours.make_block();
    let block = now(ours.fetch(header.height, None)).expect("block");
    let other = now(theirs.fetch(header.height, None)).expect("block");
    assert_eq!(block.header, other.header);
    assert_eq!((block.blobs.len(), other.blobs.len()), (1, 1));
    // Their proof of completeness says nothing about our blobs.
    let claim = DaClaim::Complete {
        blobs: other.blobs.clone(),
    };
    assert!(theirs.verify(&header, &claim, &other.completeness).is_ok());
    assert!(ours.verify(&header, &claim, &other.completeness).is_err());
}

#[test]
fn every_place_in_trees_of_every_shape_is_proved() {
    for count in 1..=17 {
        let da = MemoryDa::default();
        for n in 0..count {
            da.post(DaLane::Batch, vec![n]).expect("posted");
        }
        let header = da.make_block();
        let block = now(da.fetch(header.height, None)).expect("block");
        assert_eq!(block.blobs.len(), usize::from(count));
        for blob in &block.blobs {
            let proof = now(da.prove(&blob.reference)).expect("proof");
            for other in &block.blobs {
                let claim = DaClaim::Included {
                    reference: other.reference,
                    lane: other.lane,
                    data: other.data.clone(),
                };
                assert_eq!(da.verify(&header, &claim, &proof).is_ok(), other == blob);
            }
        }
    }
}

#[test]
fn a_unit_larger_than_a_block_spreads_over_blocks() {
    let config = MemoryDaConfig {
        max_block_bytes: 10,
        ..MemoryDaConfig::default()
    };
    let da = MemoryDa::new(config);
    let blob = |byte| Blob {
        lane: DaLane::Batch,
        data: vec![byte; 6].into(),
    };
    let unit = PostingUnit::new(B256::ZERO, vec![blob(1), blob(2), blob(3)]);
    now(da.submit(&unit)).expect("taken");
    da.make_blocks(2);
    let status = now(da.submit(&unit)).expect("taken").status;
    assert_eq!(status, SubmissionStatus::Accepted);
    da.make_block();
    let SubmissionStatus::Included { blobs } = now(da.submit(&unit)).expect("taken").status else {
        panic!("not included");
    };
    let heights: Vec<u64> = blobs.iter().map(|blob| blob.block.height.0).collect();
    assert_eq!(heights, [1, 2, 3]);
}

#[test]
fn a_final_block_cannot_be_reorganised() {
    let da = MemoryDa::default();
    da.make_blocks(5);
    let error = da.reorganise(3).expect_err("final");
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let before = now(da.head()).expect("head");
    da.reorganise(2).expect("not final");
    let after = now(da.head()).expect("head");
    assert_eq!(after.observed.height.0, before.observed.height.0 + 1);
}
