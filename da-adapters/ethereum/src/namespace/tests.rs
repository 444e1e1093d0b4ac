use super::*;
use crate::{
    fees::Caps,
    transaction::{Cargo, Draft, Signer},
};
use alloy_primitives::address;
use rollwright_core::LayerError as _;

const INBOX: Address = address!("00000000000000000000000000000000000000aa");
const FORCED: Address = address!("00000000000000000000000000000000000000bb");

fn signer(seed: u8) -> Signer {
    Signer::new(B256::repeat_byte(seed)).unwrap()
}

fn sent(seed: u8, to: Address, cargo: Cargo) -> Transaction {
    let draft = Draft {
        chain_id: 1,
        nonce: 0,
        to,
        gas_limit: 21_000,
        caps: Caps {
            gas: 1,
            tip: 1,
            blob: 1,
        },
        cargo,
    };
    draft.sign(&signer(seed)).unwrap()
}

fn blobs(seeds: &[u8]) -> Cargo {
    Cargo::Blobs(seeds.iter().map(|seed| B256::repeat_byte(*seed)).collect())
}

fn commitments(inbox: &Inbox, height: u64, transactions: &[Transaction]) -> Vec<B256> {
    let items = inbox.items(DaHeight(height), transactions);
    items.iter().map(Item::commitment).collect()
}

fn inbox(address: &str, forced: Option<&str>, posters: &[&str]) -> Inbox {
    let posters: Vec<String> = posters.iter().map(|text| (*text).to_owned()).collect();
    Inbox::parse(address, forced, &posters).unwrap()
}

#[test]
fn items_stand_in_the_order_of_transactions_and_blobs() {
    let inbox = inbox(&INBOX.to_string(), None, &[]);
    let transactions = [
        sent(1, INBOX, blobs(&[4, 2])),
        sent(2, FORCED, blobs(&[9])),
        sent(3, INBOX, blobs(&[7])),
    ];
    let expected = [4, 2, 7].map(B256::repeat_byte);
    assert_eq!(commitments(&inbox, 5, &transactions), expected);
    let items = inbox.items(DaHeight(5), &transactions);
    assert_eq!(items[2].poster, signer(3).address());
    assert_eq!(items[2].transaction, *transactions[2].hash());
}

#[test]
fn calldata_counts_only_where_the_chain_allows_it() {
    let transactions = [
        sent(1, INBOX, Cargo::Calldata(Bytes::from_static(b"part"))),
        sent(1, INBOX, Cargo::Calldata(Bytes::new())),
    ];
    assert!(commitments(&inbox(&INBOX.to_string(), None, &[]), 1, &transactions).is_empty());
    let allowed = inbox(&format!("{INBOX}+calldata"), None, &[]);
    let expected = [keccak256(b"part"), keccak256(b"")];
    assert_eq!(commitments(&allowed, 1, &transactions), expected);
    assert_eq!(
        allowed.batch.to_string().parse::<InboxAddress>().unwrap(),
        allowed.batch
    );
}

#[test]
fn the_forced_inbox_is_a_lane_of_its_own_and_open_to_all() {
    let listed = signer(1).address().to_string();
    let inbox = inbox(&INBOX.to_string(), Some(&FORCED.to_string()), &[&listed]);
    let transactions = [
        sent(2, INBOX, blobs(&[1])),
        sent(2, FORCED, blobs(&[2])),
        sent(1, INBOX, blobs(&[3])),
    ];
    let items = inbox.items(DaHeight(1), &transactions);
    let lanes: Vec<_> = items
        .iter()
        .map(|item| (item.lane, item.commitment()))
        .collect();
    assert_eq!(
        lanes,
        [
            (DaLane::Forced, B256::repeat_byte(2)),
            (DaLane::Batch, B256::repeat_byte(3))
        ]
    );
    assert_eq!(inbox.address(DaLane::Forced), FORCED);
}

#[test]
fn a_poster_counts_from_its_height_on() {
    let listed = format!("{}@10", signer(1).address());
    let inbox = inbox(&INBOX.to_string(), None, &[&listed]);
    let transactions = [sent(1, INBOX, blobs(&[1]))];
    assert!(commitments(&inbox, 9, &transactions).is_empty());
    assert_eq!(commitments(&inbox, 10, &transactions).len(), 1);
}

#[test]
fn other_spellings_are_refused() {
    for address in [
        "",
        "gizmo",
        "0x12",
        "00000000000000000000000000000000000000aa",
        "+calldata",
    ] {
        let error = Inbox::parse(address, None, &[]).unwrap_err();
        assert_eq!(error.code(), "RW-DA-601", "{address}");
    }
    let good = INBOX.to_string();
    assert!(Inbox::parse(&good, Some("x"), &[]).is_err());
    assert!(Inbox::parse(&good, None, &[format!("{good}@x")]).is_err());
}

/// Chains name it in their configuration: it must not move.
#[test]
fn a_derived_inbox_stays_the_same() {
    assert_eq!(
        inbox_of(42_069, "gizmo"),
        Address::from_word(keccak256("rollwright-da-ethereum/inbox/1:42069:gizmo"))
    );
    assert_ne!(inbox_of(42_069, "gizmo"), inbox_of(4_206, "9gizmo"));
}
