use super::*;
use crate::{
    fees::Caps,
    transaction::{Cargo, Draft, Signer},
};
use alloy_primitives::Address;

const INBOX: Address = Address::repeat_byte(0xaa);

fn signer() -> Signer {
    Signer::new(B256::repeat_byte(1)).unwrap()
}

fn sent(nonce: u64, to: Address, cargo: Cargo) -> Transaction {
    let draft = Draft {
        chain_id: 1,
        nonce,
        to,
        gas_limit: 21_000,
        caps: Caps {
            gas: 1,
            tip: 1,
            blob: 1,
        },
        cargo,
    };
    draft.sign(&signer()).unwrap()
}

fn inbox() -> Inbox {
    Inbox::parse(&INBOX.to_string(), None, &[]).unwrap()
}

/// A block with a payload, a blob that has none, the same again, and the empty
/// payload; a foreign transaction lies between.
struct Scene {
    body: BlockBody,
    blobs: Vec<PostedBlob>,
    refused: Vec<u8>,
}

fn scene() -> Scene {
    let good = codec::encode(b"payload").unwrap();
    let empty = codec::encode(&[]).unwrap();
    let mut refused = good.to_vec();
    refused[1] = 9;
    let hash = |raw: &[u8]| kzg::versioned_hash(raw).unwrap();
    let (good, bad, empty) = (hash(&good), hash(&refused), hash(&empty));
    let transactions = vec![
        sent(0, INBOX, Cargo::Blobs(vec![good, bad])),
        sent(1, Address::ZERO, Cargo::Blobs(vec![good])),
        sent(2, INBOX, Cargo::Blobs(vec![bad, empty])),
    ];
    let header = Header {
        number: 7,
        timestamp: 1_000,
        transactions_root: calculate_transaction_root(&transactions),
        blob_gas_used: Some(5 << 17),
        ..Header::default()
    };
    let hash = header.hash_slow();
    let body = BlockBody::new(
        SealedHeader::check(header, hash).unwrap(),
        transactions,
        RootRule::Signed,
    )
    .unwrap();
    let items = body.items(&inbox());
    let data = ["payload", "", "", ""];
    let blobs = items
        .iter()
        .zip(data)
        .enumerate()
        .map(|(index, (item, data))| PostedBlob {
            reference: BlobRef {
                block: body.header.facts().id(),
                index: index as u32,
                commitment: item.commitment(),
            },
            lane: item.lane,
            poster: Some(Bytes::copy_from_slice(item.poster.as_slice())),
            data: data.as_bytes().into(),
        });
    Scene {
        blobs: blobs.collect(),
        body,
        refused,
    }
}

fn complete(scene: &Scene, blobs: Vec<PostedBlob>, proof: &Proof) -> Result<(), ProofError> {
    let header = scene.body.header.facts();
    verify(
        &inbox(),
        RootRule::Signed,
        &header,
        &DaClaim::Complete { blobs },
        proof,
    )
}

#[test]
fn a_blob_without_payload_is_claimed_as_empty_and_shown() {
    let scene = scene();
    let proof = scene.body.prove_completeness(vec![scene.refused.clone()]);
    complete(&scene, scene.blobs.clone(), &proof).unwrap();
    // Not shown, shown twice, shown though it has a payload.
    let good = codec::encode(b"payload").unwrap().to_vec();
    for refused in [
        vec![],
        vec![scene.refused.clone(), scene.refused.clone()],
        vec![scene.refused.clone(), good],
    ] {
        let proof = scene.body.prove_completeness(refused);
        complete(&scene, scene.blobs.clone(), &proof).unwrap_err();
    }
    // A payload cannot be claimed away.
    let good = codec::encode(b"payload").unwrap().to_vec();
    let proof = scene
        .body
        .prove_completeness(vec![good, scene.refused.clone()]);
    let mut blobs = scene.blobs.clone();
    blobs[0].data = Bytes::new();
    assert_eq!(
        complete(&scene, blobs, &proof),
        Err(ProofError::Fact {
            index: 0,
            fact: "data"
        })
    );
}

#[test]
fn an_inclusion_is_proved_for_each_kind_of_blob() {
    let scene = scene();
    let header = scene.body.header.facts();
    for (index, blob) in scene.blobs.iter().enumerate() {
        let refused = (index == 1 || index == 2).then(|| scene.refused.clone());
        let proof = scene.body.prove_inclusion(index as u32, refused);
        let claim = DaClaim::Included {
            reference: blob.reference,
            lane: blob.lane,
            data: blob.data.clone(),
        };
        verify(&inbox(), RootRule::Signed, &header, &claim, &proof).unwrap();
        let other = scene.body.prove_completeness(vec![]);
        assert_eq!(
            verify(&inbox(), RootRule::Signed, &header, &claim, &other),
            Err(ProofError::Malformed("not a proof of this inclusion"))
        );
    }
}

#[test]
fn a_poster_cannot_be_invented() {
    let scene = scene();
    let proof = scene.body.prove_completeness(vec![scene.refused.clone()]);
    for poster in [None, Some(Bytes::from(vec![1; 20]))] {
        let mut blobs = scene.blobs.clone();
        blobs[3].poster = poster;
        let fact = ProofError::Fact {
            index: 3,
            fact: "poster",
        };
        assert_eq!(complete(&scene, blobs, &proof), Err(fact));
    }
}

/// A block without blob gas is proved empty by its header alone, unless
/// calldata counts.
#[test]
fn a_header_alone_shows_that_there_are_no_blobs() {
    let transactions = vec![sent(0, INBOX, Cargo::Calldata(Bytes::from_static(b"part")))];
    let header = Header {
        transactions_root: calculate_transaction_root(&transactions),
        blob_gas_used: Some(0),
        ..Header::default()
    };
    let hash = header.hash_slow();
    let body = BlockBody::of_header(SealedHeader::check(header, hash).unwrap(), &inbox()).unwrap();
    let none = DaClaim::Complete { blobs: vec![] };
    let facts = body.header.facts();
    let proof = body.prove_completeness(vec![]);
    verify(&inbox(), RootRule::Signed, &facts, &none, &proof).unwrap();
    let allowed = Inbox::parse(&format!("{INBOX}+calldata"), None, &[]).unwrap();
    assert_eq!(
        verify(&allowed, RootRule::Signed, &facts, &none, &proof),
        Err(ProofError::Malformed("the transactions are missing"))
    );
}

#[test]
fn noise_is_no_proof() {
    let scene = scene();
    for length in [0, 1, 5, 60] {
        for byte in [0, 1, 0xff] {
            let proof = Proof {
                version: 1,
                bytes: vec![byte; length].into(),
            };
            complete(&scene, vec![], &proof).unwrap_err();
        }
    }
}

/// anvil's root is another one: the data root comes from the list, and a list
/// with another root is refused all the same.
#[test]
fn a_root_over_sidecars_is_replaced_by_that_of_the_signed_transactions() {
    let transactions = vec![sent(0, INBOX, Cargo::Calldata(Bytes::from_static(b"part")))];
    let header = Header {
        transactions_root: B256::repeat_byte(7),
        blob_gas_used: Some(1),
        ..Header::default()
    };
    let hash = header.hash_slow();
    let sealed = SealedHeader::check(header, hash).unwrap();
    let strict = BlockBody::new(sealed.clone(), transactions.clone(), RootRule::Signed);
    assert!(matches!(strict, Err(BlockError::TransactionsRoot { .. })));
    let root = calculate_transaction_root(&transactions);
    let body = BlockBody::new(sealed, transactions, RootRule::WithSidecars).unwrap();
    let mut facts = body.facts();
    assert_eq!(facts.data_root, root);
    let none = DaClaim::Complete { blobs: vec![] };
    let proof = body.prove_completeness(vec![]);
    verify(&inbox(), RootRule::WithSidecars, &facts, &none, &proof).unwrap();
    facts.data_root = B256::repeat_byte(7);
    verify(&inbox(), RootRule::WithSidecars, &facts, &none, &proof).unwrap_err();
}
