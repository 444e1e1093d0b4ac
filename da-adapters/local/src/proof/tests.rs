use super::*;
use alloy_primitives::{B128, Bytes};
use proptest::prelude::*;

const NETWORK: NetworkId = NetworkId(B128::repeat_byte(7));

fn namespace(id: u8) -> Namespace {
    Namespace(B256::repeat_byte(id))
}

/// A block of one-byte blobs, in order, and its tree.
fn block(namespaces: &[u8]) -> (DaHeader, BlockTree) {
    let mut sorted = namespaces.to_vec();
    sorted.sort_unstable();
    let leaves = (0..=u8::MAX).cycle().zip(&sorted);
    let tree = BlockTree::new(9, leaves.map(|(i, id)| (namespace(*id), keccak256([i]))));
    let mut header = DaHeader {
        height: DaHeight(5),
        hash: B256::ZERO,
        parent_hash: B256::repeat_byte(1),
        time: 1_700_000_000,
        data_root: tree.data_root().unwrap(),
    };
    header.hash = header_hash(NETWORK, &header);
    (header, tree)
}

fn blobs(header: &DaHeader, tree: &BlockTree, id: u8) -> Vec<PostedBlob> {
    (0..)
        .zip(tree.range(namespace(id)))
        .map(|(index, position)| {
            let data = Bytes::from(vec![position as u8]);
            PostedBlob {
                reference: rollwright_core::BlobRef {
                    block: header.id(),
                    index,
                    commitment: keccak256(&data),
                },
                lane: DaLane::Batch,
                poster: None,
                data,
            }
        })
        .collect()
}

fn included(blob: &PostedBlob) -> DaClaim {
    DaClaim::Included {
        reference: blob.reference,
        lane: blob.lane,
        data: blob.data.clone(),
    }
}

fn holds(header: &DaHeader, id: u8, claim: &DaClaim, proof: &Proof) -> bool {
    verify(NETWORK, namespace(id), header, claim, proof).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_namespace_is_proved_complete_and_every_blob_included(
        ids in prop::collection::vec(0_u8..12, 0..40),
    ) {
        let (header, tree) = block(&ids);
        for id in 0..12 {
            let blobs = blobs(&header, &tree, id);
            let proof = tree.prove_complete(namespace(id)).unwrap();
            prop_assert!(proof.bytes.len() <= MAX_PROOF_BYTES);
            for blob in &blobs {
                let proof = tree.prove_included(namespace(id), blob.reference.index).unwrap();
                prop_assert!(holds(&header, id, &included(blob), &proof));
                // The proof is of this namespace alone.
                prop_assert!(!holds(&header, id ^ 1, &included(blob), &proof));
            }
            let claim = DaClaim::Complete { blobs };
            prop_assert!(holds(&header, id, &claim, &proof));
        }
    }

    #[test]
    fn nothing_can_be_left_out(ids in prop::collection::vec(0_u8..4, 1..24), pick: prop::sample::Index) {
        let (header, tree) = block(&ids);
        let id = ids[pick.index(ids.len())];
        let all = blobs(&header, &tree, id);
        for left_out in 0..all.len() {
            let mut claimed = all.clone();
            claimed.remove(left_out);
            for (index, blob) in (0..).zip(&mut claimed) {
                blob.reference.index = index;
            }
            // With the honest proof, and with any range of the tree.
            let claim = DaClaim::Complete { blobs: claimed.clone() };
            prop_assert!(!holds(&header, id, &claim, &tree.prove_complete(namespace(id)).unwrap()));
            for start in 0..tree.leaves.len() as u32 {
                let range = start..start + claimed.len() as u32;
                let Some(nodes) = tree::outside(&tree.leaves, &range) else { continue };
                let forged = encode(&RangeProof {
                    kind: ProofKind::Completeness,
                    salt: 9,
                    count: tree.leaves.len() as u32,
                    start,
                    nodes,
                }).unwrap();
                prop_assert!(!holds(&header, id, &claim, &forged));
            }
        }
    }

    #[test]
    fn every_altered_byte_of_header_claim_and_proof_is_refused(
        ids in prop::collection::vec(0_u8..4, 0..12), id in 0_u8..5, bit in 0..8,
    ) {
        let (header, tree) = block(&ids);
        let blobs = blobs(&header, &tree, id);
        let mut cases = vec![(
            DaClaim::Complete { blobs: blobs.clone() },
            tree.prove_complete(namespace(id)).unwrap(),
        )];
        if let Some(blob) = blobs.last() {
            let proof = tree.prove_included(namespace(id), blob.reference.index).unwrap();
            cases.push((included(blob), proof));
        }
        for (claim, proof) in cases {
            let whole = borsh::to_vec(&(header, claim, proof)).unwrap();
            for at in 0..whole.len() {
                let mut altered = whole.clone();
                altered[at] ^= 1_u8 << bit;
                if let Ok((header, claim, proof)) = borsh::from_slice::<(DaHeader, DaClaim, Proof)>(&altered) {
                    prop_assert!(!holds(&header, id, &claim, &proof), "byte {at}");
                }
            }
        }
    }

    #[test]
    fn hostile_proofs_neither_panic_nor_hold(bytes in prop::collection::vec(any::<u8>(), 0..600), count: u32, start: u32) {
        let (header, _) = block(&[1, 2, 3]);
        let claim = DaClaim::Complete { blobs: Vec::new() };
        let garbage = Proof { version: PROOF_VERSION, bytes: bytes.into() };
        prop_assert!(!holds(&header, 1, &claim, &garbage));
        let shaped = RangeProof { kind: ProofKind::Completeness, salt: 9, count, start, nodes: vec![
            Node::leaf(namespace(0), 0, B256::ZERO); 40
        ] };
        prop_assert!(!holds(&header, 1, &claim, &encode(&shaped).unwrap()));
    }
}

#[test]
fn a_header_of_another_network_is_refused() {
    let (header, tree) = block(&[1]);
    let proof = tree.prove_complete(namespace(2)).unwrap();
    let claim = DaClaim::Complete { blobs: Vec::new() };
    let other = NetworkId(B128::repeat_byte(8));
    assert!(verify(NETWORK, namespace(2), &header, &claim, &proof).is_ok());
    assert!(matches!(
        verify(other, namespace(2), &header, &claim, &proof),
        Err(ProofError::HeaderHash { .. })
    ));
}

#[test]
fn a_proof_is_no_longer_than_its_bound() {
    let (_, tree) = block(&[1; 200]);
    let proof = tree.prove_included(namespace(1), 100).unwrap();
    assert!(proof.bytes.len() <= 21 + 8 * 96);
}

/// A change of these formats is a new network: it is never made in passing.
#[test]
fn hashes_and_proofs_have_the_recorded_encodings() {
    let (header, tree) = block(&[1, 1, 2, 3, 3]);
    let complete = tree.prove_complete(namespace(3)).unwrap();
    let absent = tree.prove_complete(namespace(9)).unwrap();
    let included = tree.prove_included(namespace(1), 1).unwrap();
    let digest = |proof: &Proof| keccak256(&proof.bytes).to_string();
    let found = [
        header.data_root.to_string(),
        header.hash.to_string(),
        block(&[]).0.data_root.to_string(),
        digest(&complete),
        digest(&absent),
        digest(&included),
    ];
    assert_eq!(
        found,
        include_str!("golden.txt").lines().collect::<Vec<_>>()[..]
    );
}
