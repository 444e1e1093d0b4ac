use super::*;
use crate::fees::Caps;
use crate::posting::{Attempt, Inclusion, State};
use rollwright_core::{DaBlockId, DaLane, LayerError as _};
use tempfile::TempDir;

const ACCOUNT: Address = Address::repeat_byte(1);

fn posting(nonce: u64, state: State) -> Posting {
    Posting {
        nonce,
        unit: UnitId(B256::repeat_byte(nonce as u8)),
        lane: DaLane::Batch,
        commitments: vec![B256::repeat_byte(3)],
        calldata: false,
        gas_limit: 1,
        made_ms: nonce * 1_000,
        attempts: vec![Attempt {
            hash: B256::ZERO,
            signed: Bytes::from_static(b"signed"),
            caps: Caps {
                gas: 1,
                tip: 1,
                blob: 1,
            },
            made_at: 1,
        }],
        state,
    }
}

fn finished() -> State {
    State::Final(Inclusion {
        block: DaBlockId::default(),
        blobs: vec![],
        paid: 0,
    })
}

fn record(nonce: u64) -> UnitRecord {
    UnitRecord {
        digest: B256::repeat_byte(9),
        nonces: vec![nonce],
    }
}

fn payload(text: &'static str) -> Content {
    Content::Payload(text.into())
}

fn prepare(store: &Store, posting: &Posting, now_ms: u64) {
    let blob = (posting.unit.0, payload("content"));
    let record = record(posting.nonce);
    let postings = std::slice::from_ref(posting);
    store
        .prepare(&posting.unit, &record, postings, &[blob], now_ms)
        .unwrap();
}

#[test]
fn what_was_prepared_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new/journal.redb");
    let open = || Store::open(Some(&path), "1:0x00", Some(ACCOUNT)).unwrap();
    let written = posting(4, State::Pending);
    let store = open();
    prepare(&store, &written, 1);
    drop(store);
    let store = open();
    assert_eq!(store.unit(&written.unit).unwrap(), Some(record(4)));
    assert_eq!(store.posting(4).unwrap(), Some(written.clone()));
    assert_eq!(store.posting(5).unwrap(), None);
    assert_eq!(
        store.blob(&written.unit.0).unwrap(),
        Some(payload("content"))
    );
    store.withdraw(&written.unit, &[4]).unwrap();
    assert_eq!(store.unit(&written.unit).unwrap(), None);
    assert_eq!(store.postings().unwrap(), vec![]);
    store.close();
    assert!(matches!(store.postings(), Err(Error::Closed)));
}

#[test]
fn a_journal_of_another_network_or_account_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("journal.redb");
    drop(Store::open(Some(&path), "1:0x00", Some(ACCOUNT)).unwrap());
    for (network, account) in [("2:0x00", ACCOUNT), ("1:0x00", Address::ZERO)] {
        let error = Store::open(Some(&path), network, Some(account)).unwrap_err();
        assert_eq!(error.code(), "RW-DA-625");
    }
    // Whoever only reads has no account.
    drop(Store::open(Some(&path), "1:0x00", None).unwrap());
}

#[test]
fn blobs_and_finished_units_expire_and_the_last_nonce_stays() {
    let store = Store::open(None, "1", None).unwrap();
    for nonce in 1..=4 {
        let state = if nonce == 2 {
            State::Pending
        } else {
            finished()
        };
        prepare(&store, &posting(nonce, state), nonce * 1_000);
    }
    let read = B256::repeat_byte(0xee);
    store
        .keep(&[(read, Content::Refused("raw".into()))], 5_000)
        .unwrap();
    store.expire(4_500).unwrap();
    let left: Vec<u64> = store
        .postings()
        .unwrap()
        .iter()
        .map(|posting| posting.nonce)
        .collect();
    // 2 is open, 4 is the last: the next nonce is told from it.
    assert_eq!(left, [2, 4]);
    assert_eq!(store.blob(&B256::repeat_byte(1)).unwrap(), None);
    assert_eq!(
        store.blob(&read).unwrap(),
        Some(Content::Refused("raw".into()))
    );
}
