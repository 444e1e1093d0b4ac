//! Posting over a consensus node that does and says what the test tells.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::{
    CelestiaDa, Checkpoint, OwnKeyConfig, classify_text,
    devnet::{BlockProduction, CelestiaDevnet, DevnetConfig, DevnetHandle, TxPlace},
    gas_of, parse_namespace,
    pay::{Terms, with_blobs},
};
use consensus::{AccountState, Call};
use parking_lot::Mutex;
use rollwright_core::{
    Blob, Clock, DaHeight, DaLane, DataAvailability, LayerError, Submission, SubmissionStatus,
};
use sign::HOUR_MS;
use std::{
    collections::VecDeque,
    future::pending,
    path::PathBuf,
    sync::atomic::{AtomicU64, AtomicUsize},
    time::Duration,
};
use tokio::net::TcpListener;

/// A clock that stands still until it is moved.
#[derive(Debug)]
struct Hand(AtomicU64);

impl Clock for Hand {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn sleep(&self, _: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(pending())
    }
}

/// What the node says in the place of what is so.
#[derive(Debug)]
enum Say {
    Status(TxStatus),
    /// Carried out, and the answer is lost.
    LostAnswer,
    /// Not carried out.
    Refused(CelestiaError),
    Away,
}

/// A consensus node over the devnet's mempool.
#[derive(Debug)]
struct Scripted {
    devnet: DevnetHandle,
    say: Mutex<VecDeque<Say>>,
    estimate: Mutex<GasPrice>,
    calls: AtomicUsize,
    /// At this call everything stops, before it was carried out or after.
    stop: Mutex<Option<(usize, bool)>>,
}

impl Scripted {
    fn next(&self, broadcast: bool) -> Option<Say> {
        let mut say = self.say.lock();
        let fits = matches!(say.front()?, Say::Status(_)) != broadcast;
        if fits { say.pop_front() } else { None }
    }

    /// Runs a call unless everything stops there.
    async fn around<T>(&self, run: impl FnOnce() -> T) -> T {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let stop = *self.stop.lock();
        if stop == Some((call, false)) {
            pending::<()>().await;
        }
        let done = run();
        if stop == Some((call, true)) {
            pending::<()>().await;
        }
        done
    }
}

impl Consensus for Scripted {
    fn account<'a>(
        &'a self,
        address: &'a AccAddress,
    ) -> Call<'a, Result<AccountState, CelestiaError>> {
        Box::pin(self.around(move || {
            let found = self.devnet.account(&address.to_string());
            let (sequence, _) = found.ok_or_else(|| CelestiaError::OutOfFunds {
                address: address.to_string(),
            })?;
            let number = self.devnet.node().account(address).unwrap().number;
            Ok(AccountState { number, sequence })
        }))
    }

    fn broadcast(&self, tx: Vec<u8>) -> Call<'_, Result<(), NotTaken>> {
        Box::pin(self.around(move || {
            let away = || CelestiaError::Transport {
                endpoint: "scripted".to_owned(),
                text: "away".to_owned(),
            };
            let say = self.next(true);
            match say {
                Some(Say::Refused(error)) => return Err(NotTaken::Refused(error)),
                Some(Say::Away) => return Err(NotTaken::Open(away())),
                _ => {}
            }
            let offered = self.devnet.node().offer(&tx);
            let offered = offered
                .map(drop)
                .map_err(|(_, refused)| NotTaken::Refused(classify_text(&refused.log)));
            match say {
                Some(Say::LostAnswer) => Err(NotTaken::Open(away())),
                _ => offered,
            }
        }))
    }

    fn status(&self, hash: [u8; 32]) -> Call<'_, Result<TxStatus, CelestiaError>> {
        Box::pin(self.around(move || {
            if let Some(Say::Status(status)) = self.next(false) {
                return Ok(status);
            }
            Ok(match self.devnet.node().tx(hash).unwrap() {
                TxPlace::Unknown => TxStatus::Unknown,
                TxPlace::Pending => TxStatus::Pending,
                TxPlace::Evicted => TxStatus::Evicted,
                TxPlace::Rejected(refused) => TxStatus::Rejected(classify_text(&refused.log)),
                TxPlace::Committed { height, .. } => TxStatus::Committed { height },
            })
        }))
    }

    fn estimate(&self) -> Call<'_, Result<GasPrice, CelestiaError>> {
        Box::pin(self.around(move || Ok(*self.estimate.lock())))
    }

    fn balance<'a>(&'a self, address: &'a AccAddress) -> Call<'a, Result<u64, CelestiaError>> {
        Box::pin(self.around(move || {
            let found = self.devnet.account(&address.to_string());
            Ok(found.map_or(0, |(_, balance)| balance))
        }))
    }
}

struct Bench {
    _folder: tempfile::TempDir,
    journal: PathBuf,
    clock: Arc<Hand>,
    devnet: DevnetHandle,
    node: Arc<Scripted>,
    keys: Vec<String>,
    max_spend: Option<u64>,
    estimate: bool,
    checkpoint: Checkpoint,
}

const TTL: u64 = 6;
const RICH: u64 = 1_000_000_000;

fn key(n: u8) -> Payer {
    Payer::from_bytes(&[n; 32]).unwrap()
}

fn address(n: u8) -> String {
    key(n).address().to_string()
}

impl Bench {
    async fn new() -> Self {
        let clock = Arc::new(Hand(AtomicU64::new(1_700_000_000_000)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = DevnetConfig {
            blocks: BlockProduction::Manual,
            max_width: 16,
            validators: 1,
            mempool_ttl: TTL,
            ..DevnetConfig::new("private")
        };
        let devnet = CelestiaDevnet::start(config, clock.clone(), listener)
            .await
            .unwrap();
        for n in [1, 2] {
            devnet.fund(&address(n), RICH).unwrap();
        }
        let folder = tempfile::TempDir::new().unwrap();
        let node = Arc::new(Scripted {
            devnet: devnet.clone(),
            say: Mutex::default(),
            estimate: Mutex::new(GasPrice::NODE_DEFAULT),
            calls: AtomicUsize::new(0),
            stop: Mutex::default(),
        });
        Self {
            journal: folder.path().join("journal.redb"),
            _folder: folder,
            checkpoint: Checkpoint {
                height: DaHeight(1),
                hash: devnet.hash(1).await.unwrap().unwrap(),
            },
            clock,
            devnet,
            node,
            keys: vec!["01".repeat(32)],
            max_spend: None,
            estimate: false,
        }
    }

    fn open(&self) -> CelestiaDa {
        let namespace = parse_namespace("gizmo").unwrap();
        let mut config = CelestiaConfig::new(vec![self.devnet.url()], "private", namespace);
        config.checkpoint = Some(self.checkpoint);
        config.trusting_period = None;
        config.path = Some(self.journal.clone());
        config.ttl_blocks = TTL;
        config.margin_blocks = 2;
        config.max_blob_bytes = 100_000;
        config.request_timeout = Duration::from_secs(60);
        config.own_key = Some(OwnKeyConfig {
            keys: self.keys.clone(),
            max_spend_per_day: self.max_spend,
            estimate: self.estimate,
            ..OwnKeyConfig::default()
        });
        CelestiaDa::open_over(config, self.clock.clone(), self.node.clone()).unwrap()
    }

    fn say(&self, say: impl IntoIterator<Item = Say>) {
        self.node.say.lock().extend(say);
    }

    async fn mine(&self, blocks: u64) {
        self.devnet.mine(blocks).await.unwrap();
    }

    /// Asks and makes blocks until the unit is included; errors that pass are
    /// left out.
    async fn drive(&self, da: &CelestiaDa, unit: &PostingUnit) -> Submission {
        for _ in 0..60 {
            match da.submit(unit).await {
                Ok(submission) if is_included(&submission) => return submission,
                Ok(_) => {}
                Err(error) if error.is_retryable() => {}
                Err(error) => panic!("{error}"),
            }
            self.mine(1).await;
        }
        panic!("not included");
    }

    /// How often each unit's first byte stands at the rollup's place.
    async fn copies(&self, da: &CelestiaDa, mark: u8) -> usize {
        let mut copies = 0;
        for height in 1..=self.devnet.head() {
            let block = da.fetch(DaHeight(height), None).await.unwrap();
            copies += block
                .blobs
                .iter()
                .filter(|blob| blob.data.first() == Some(&mark))
                .count();
        }
        copies
    }

    fn sequence(&self, n: u8) -> u64 {
        self.devnet.account(&address(n)).unwrap().0
    }

    async fn refused(&self, da: &CelestiaDa, unit: &PostingUnit) -> CelestiaError {
        match da.submit(unit).await.unwrap_err() {
            CelestiaError::Held(cause) => *cause,
            error => error,
        }
    }
}

fn is_included(submission: &Submission) -> bool {
    matches!(submission.status, SubmissionStatus::Included { .. })
}

fn blob(mark: u8, bytes: usize) -> Blob {
    Blob {
        lane: DaLane::Batch,
        data: vec![mark; bytes].into(),
    }
}

fn unit(mark: u8) -> PostingUnit {
    PostingUnit::new([mark; 32].into(), vec![blob(mark, 700)])
}

#[tokio::test]
async fn a_unit_is_posted_once_and_its_fee_told() {
    let bench = Bench::new().await;
    let da = bench.open();
    let submission = bench.drive(&da, &unit(9)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.sequence(1), 1);
    let paid = RICH - bench.devnet.account(&address(1)).unwrap().1;
    assert_eq!(submission.fee.unwrap().amount, u128::from(paid));
    assert_eq!(da.balance().await.unwrap(), RICH - paid);
    assert_eq!(da.address().await.unwrap(), address(1));
}

#[tokio::test]
async fn a_crash_at_every_call_to_the_node_leaves_one_copy() {
    let mut reached = 0;
    for call in 0..12 {
        for after in [false, true] {
            let bench = Bench::new().await;
            *bench.node.stop.lock() = Some((call, after));
            let da = bench.open();
            // The life that ends: every block brings another question.
            let mut stopped = false;
            for _ in 0..4 {
                let asked = async {
                    let _ = da.submit(&unit(9)).await;
                };
                tokio::pin!(asked);
                let died = async {
                    while bench.node.calls.load(Ordering::Relaxed) <= call {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::select! {
                    biased;
                    () = &mut asked => {}
                    () = died => { stopped = true; break }
                }
                bench.mine(1).await;
            }
            reached += usize::from(stopped);
            da.close();
            drop(da);
            *bench.node.stop.lock() = None;
            let da = bench.open();
            bench.drive(&da, &unit(9)).await;
            bench.mine(TTL + 4).await;
            assert_eq!(bench.copies(&da, 9).await, 1, "call {call}, after {after}");
            assert_eq!(bench.sequence(1), 1, "call {call}, after {after}");
        }
    }
    assert!(reached >= 4, "{reached} crashes");
}

#[tokio::test]
async fn an_answer_that_is_lost_or_never_came_is_no_second_copy() {
    for say in [Say::LostAnswer, Say::Away] {
        let bench = Bench::new().await;
        let da = bench.open();
        bench.say([say]);
        assert!(matches!(
            bench.refused(&da, &unit(9)).await,
            CelestiaError::Transport { .. }
        ));
        bench.drive(&da, &unit(9)).await;
        bench.mine(TTL + 4).await;
        assert_eq!(bench.copies(&da, 9).await, 1);
        assert_eq!(bench.sequence(1), 1);
    }
}

#[tokio::test]
async fn what_is_evicted_again_and_again_goes_out_at_a_higher_price_under_its_sequence() {
    let bench = Bench::new().await;
    let da = bench.open();
    bench.devnet.withhold(true);
    let mut highest = 0;
    for _ in 0..60 {
        let submission = da.submit(&unit(9)).await.unwrap();
        highest = highest.max(submission.fee.unwrap().amount);
        bench.mine(1).await;
    }
    let first = GasPrice::NODE_DEFAULT.fee(gas_of([700]));
    assert!(highest > first * 6 / 5, "{highest} after {first}");
    bench.devnet.withhold(false);
    bench.drive(&da, &unit(9)).await;
    bench.mine(TTL + 4).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.sequence(1), 1);
}

#[tokio::test]
async fn a_price_too_low_is_raised_at_once_and_held_at_the_cap() {
    let bench = Bench::new().await;
    let da = bench.open();
    bench.devnet.set_min_gas_price("0.008".parse().unwrap());
    assert!(!is_included(&da.submit(&unit(9)).await.unwrap()));
    assert!(is_included(&bench.drive(&da, &unit(9)).await));
    bench.devnet.set_min_gas_price("0.02".parse().unwrap());
    for _ in 0..3 {
        assert!(matches!(
            bench.refused(&da, &unit(8)).await,
            CelestiaError::FeeCapReached { .. }
        ));
        bench.mine(1).await;
    }
    bench.devnet.set_min_gas_price("0.004".parse().unwrap());
    bench.drive(&da, &unit(8)).await;
    assert_eq!(bench.copies(&da, 8).await, 1);
    assert_eq!(bench.sequence(1), 2);
}

#[tokio::test]
async fn a_stranger_with_our_key_is_named_and_nothing_stands_twice() {
    let bench = Bench::new().await;
    let da = bench.open();
    // The node takes the unit and loses it; somebody else uses the sequence.
    assert!(!is_included(&da.submit(&unit(9)).await.unwrap()));
    bench.devnet.forget_mempool();
    let theirs =
        celestia_types::Blob::new(parse_namespace("other").unwrap(), vec![1; 50], None).unwrap();
    let terms = Terms {
        chain_id: "private",
        account: bench
            .devnet
            .node()
            .account(&key(1).address())
            .unwrap()
            .number,
        sequence: 0,
        gas_limit: 1_000_000,
        fee: 100_000,
        granter: None,
    };
    let signed = key(1).sign(&terms, std::slice::from_ref(&theirs)).unwrap();
    let bytes = with_blobs(signed.tx, vec![theirs]);
    bench.devnet.node().offer(&bytes).unwrap();
    bench.mine(1).await;
    let mut named = None;
    for _ in 0..10 {
        if let Err(error @ CelestiaError::KeyInUse { .. }) = da.submit(&unit(9)).await {
            named = Some(error);
            break;
        }
        bench.mine(1).await;
    }
    let named = named.unwrap();
    assert!(named.to_string().contains(&address(1)), "{named}");
    assert_eq!(named.kind(), rollwright_core::ErrorKind::Fatal);
    // Started again, the unit gets the next sequence.
    da.close();
    let da = bench.open();
    bench.drive(&da, &unit(9)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.sequence(1), 2);
}

#[tokio::test]
async fn too_much_for_one_transaction_is_halved_and_one_blob_is_cut_anew() {
    let bench = Bench::new().await;
    let da = bench.open();
    bench.devnet.set_max_tx_bytes(4_000);
    let several = PostingUnit::new([9; 32].into(), vec![blob(9, 1_500); 4]);
    bench.drive(&da, &several).await;
    assert_eq!(bench.copies(&da, 9).await, 4);
    assert_eq!(bench.sequence(1), 2);
    let large = PostingUnit::new([8; 32].into(), vec![blob(8, 9_000)]);
    let CelestiaError::TooLarge { max_bytes, .. } = bench.refused(&da, &large).await else {
        panic!("it is not too large");
    };
    assert!(max_bytes < 4_500, "{max_bytes}");
    // The sequence that it held is the next one's.
    bench.drive(&da, &unit(7)).await;
    assert_eq!(bench.sequence(1), 3);
    assert!(matches!(
        bench.refused(&da, &large).await,
        CelestiaError::TooLarge { .. }
    ));
}

#[tokio::test]
async fn a_lost_mempool_is_filled_again_from_the_lowest_sequence() {
    let bench = Bench::new().await;
    let da = bench.open();
    for mark in [5, 6, 7] {
        da.submit(&unit(mark)).await.unwrap();
    }
    bench.devnet.forget_mempool();
    bench.mine(1).await;
    // The last one is asked for first.
    da.submit(&unit(7)).await.unwrap();
    bench.mine(1).await;
    for mark in [5, 6, 7] {
        assert!(
            is_included(&da.submit(&unit(mark)).await.unwrap()),
            "{mark}"
        );
        assert_eq!(bench.copies(&da, mark).await, 1);
    }
    assert_eq!(bench.sequence(1), 3);
}

#[tokio::test]
async fn a_days_limit_holds_posting_until_the_day_is_over() {
    let mut bench = Bench::new().await;
    bench.max_spend = Some(600);
    let da = bench.open();
    bench.drive(&da, &unit(9)).await;
    assert!(matches!(
        bench.refused(&da, &unit(8)).await,
        CelestiaError::SpendLimit { limit: 600, .. }
    ));
    bench.clock.0.fetch_add(25 * HOUR_MS, Ordering::Relaxed);
    bench.drive(&da, &unit(8)).await;
    assert_eq!(bench.sequence(1), 2);
}

#[tokio::test]
async fn an_empty_account_is_topped_up_without_a_restart() {
    let bench = Bench::new().await;
    bench.devnet.fund(&address(1), 10).unwrap();
    let da = bench.open();
    for _ in 0..2 {
        assert!(matches!(
            bench.refused(&da, &unit(9)).await,
            CelestiaError::OutOfFunds { .. }
        ));
        bench.mine(1).await;
    }
    bench.devnet.fund(&address(1), RICH).unwrap();
    bench.drive(&da, &unit(9)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.sequence(1), 1);
}

#[tokio::test]
async fn an_estimate_above_the_cap_holds_posting_before_anything_is_signed() {
    let mut bench = Bench::new().await;
    bench.estimate = true;
    *bench.node.estimate.lock() = "0.02".parse().unwrap();
    let da = bench.open();
    assert!(matches!(
        bench.refused(&da, &unit(9)).await,
        CelestiaError::FeeCapReached { .. }
    ));
    *bench.node.estimate.lock() = "0.005".parse().unwrap();
    let submission = bench.drive(&da, &unit(9)).await;
    let price: GasPrice = "0.005".parse().unwrap();
    assert_eq!(submission.fee.unwrap().amount, price.fee(gas_of([700])));
}

#[tokio::test]
async fn several_accounts_share_the_units() {
    let mut bench = Bench::new().await;
    bench.keys.push("02".repeat(32));
    let da = bench.open();
    for mark in 3..7 {
        da.submit(&unit(mark)).await.unwrap();
    }
    bench.mine(1).await;
    for mark in 3..7 {
        assert!(is_included(&da.submit(&unit(mark)).await.unwrap()));
        assert_eq!(bench.copies(&da, mark).await, 1);
    }
    assert_eq!((bench.sequence(1), bench.sequence(2)), (2, 2));
}

#[tokio::test]
async fn a_node_that_claims_inclusion_is_not_believed() {
    let bench = Bench::new().await;
    let da = bench.open();
    da.submit(&unit(9)).await.unwrap();
    bench.say([Say::Status(TxStatus::Committed { height: 1 })]);
    assert!(matches!(
        bench.refused(&da, &unit(9)).await,
        CelestiaError::NotInBlock { height: 1, .. }
    ));
    bench.drive(&da, &unit(9)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
}

#[tokio::test]
async fn what_another_caller_left_unsent_does_not_stop_the_next_unit() {
    let bench = Bench::new().await;
    let da = bench.open();
    bench.say([Say::Away]);
    bench.refused(&da, &unit(9)).await;
    // Only another unit is asked for from now on.
    bench.drive(&da, &unit(8)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.copies(&da, 8).await, 1);
    assert_eq!(bench.sequence(1), 2);
}

#[tokio::test]
async fn a_refused_units_sequence_goes_to_the_next_once_nobody_asks_for_it() {
    let bench = Bench::new().await;
    let da = bench.open();
    let odd = || {
        Say::Refused(CelestiaError::Unknown {
            text: "odd".to_owned(),
            times: 1,
        })
    };
    bench.say([odd()]);
    assert!(matches!(
        bench.refused(&da, &unit(9)).await,
        CelestiaError::Unknown { .. }
    ));
    // Its own unit may still come back for it.
    da.submit(&unit(8)).await.unwrap();
    assert!(bench.devnet.mempool().borrow().eq(&0));
    bench.mine(5).await;
    bench.drive(&da, &unit(8)).await;
    assert_eq!(bench.sequence(1), 1);
    bench.drive(&da, &unit(9)).await;
    assert_eq!(bench.copies(&da, 9).await, 1);
    assert_eq!(bench.copies(&da, 8).await, 1);
    assert_eq!(bench.sequence(1), 2);
}
