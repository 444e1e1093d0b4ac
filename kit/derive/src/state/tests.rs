use super::*;
use alloc::{string::ToString, vec, vec::Vec};
use alloy_primitives::{Address, keccak256};
use proptest::{collection, prelude::*};
use rollwright_core::{BlobRef, DaHeight};

/// One change of a state.
#[derive(Clone, Debug)]
enum Change {
    Origin(u8),
    Prune(u8),
    Push(u8, u8, u8),
    Pop,
    Store(u8, u8, u8),
    Remove(u8),
    Attempt(u8, u64),
    Reject(u8),
    Epoch(u8),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<u8>().prop_map(Change::Origin),
        any::<u8>().prop_map(Change::Prune),
        any::<(u8, u8, u8)>().prop_map(|(a, b, c)| Change::Push(a, b, c)),
        Just(Change::Pop),
        (0..4u8, 0..3u8, any::<u8>()).prop_map(|(a, b, c)| Change::Store(a, b, c)),
        (0..4u8).prop_map(Change::Remove),
        any::<(u8, u64)>().prop_map(|(a, b)| Change::Attempt(a, b)),
        any::<u8>().prop_map(Change::Reject),
        any::<u8>().prop_map(Change::Epoch),
    ]
}

fn key(number: u8) -> BatchKey {
    BatchKey {
        number: u64::from(number),
        signer: Address::repeat_byte(number % 2),
        attempt: 3,
        id: B256::repeat_byte(number),
    }
}

fn apply(state: &mut DeriverState, change: &Change) {
    match *change {
        Change::Origin(at) => {
            let header = DaHeader {
                height: DaHeight(u64::from(at)),
                hash: B256::repeat_byte(at),
                ..DaHeader::default()
            };
            state.put_origin(DaOrdinal(u64::from(at)), header);
        }
        Change::Prune(at) => state.prune_origins(DaOrdinal(u64::from(at))),
        Change::Push(ordinal, index, len) => {
            let id = ForcedId {
                ordinal: DaOrdinal(u64::from(ordinal)),
                index: u32::from(index),
            };
            if !state.forced.contains_key(&id) {
                state.push_forced(id, vec![len; usize::from(len)].into());
            }
        }
        Change::Pop => {
            if let Some(id) = state.forced.keys().next().copied() {
                state.remove_forced(id);
            }
        }
        Change::Store(number, index, byte) => store(state, &key(number), u32::from(index), byte),
        Change::Remove(number) => {
            if state.batch(&key(number)).is_some() {
                state.remove_batch(&key(number));
            }
        }
        Change::Attempt(signer, attempt) => {
            state.set_attempt(Address::repeat_byte(signer), attempt)
        }
        Change::Reject(byte) => state.core_mut().rejected.push(B256::repeat_byte(byte)),
        Change::Epoch(above) => {
            let epochs = &mut state.core_mut().epochs;
            let last = epochs.last().map_or(DaOrdinal(0), |epoch| epoch.ordinal);
            epochs.push(crate::EpochStart {
                ordinal: last.plus(1 + u64::from(above)),
                height: DaHeight(u64::from(above)),
            });
        }
    }
}

fn store(state: &mut DeriverState, key: &BatchKey, index: u32, byte: u8) {
    if state.has_piece(key, index) {
        return;
    }
    let bytes = Bytes::from(vec![byte; usize::from(byte) + 1]);
    let mut batch = state.batch(key).cloned().unwrap_or(PendingBatch {
        first_ordinal: DaOrdinal(1),
        count: 3,
        total_len: 4_000,
        present: 0,
        bytes: 0,
        completed: None,
        opened: None,
    });
    batch.present += 1;
    batch.bytes += bytes.len() as u64;
    batch.completed = (batch.present == 3).then_some((DaOrdinal(2), 5));
    let piece = Piece {
        reference: BlobRef {
            block: DaBlockId::default(),
            index,
            commitment: B256::repeat_byte(byte),
        },
        hash: keccak256(&bytes),
        bytes,
    };
    state.store_piece(*key, index, piece, batch);
}

fn genesis() -> DeriverState {
    DeriverState::genesis(
        BlockRef {
            number: 0,
            hash: B256::repeat_byte(7),
        },
        99,
    )
}

fn changed(changes: &[Change]) -> DeriverState {
    let mut state = genesis();
    changes.iter().for_each(|change| apply(&mut state, change));
    state.commit();
    state
}

proptest! {
    #[test]
    fn the_encoding_round_trips(changes in collection::vec(change(), 0..60)) {
        let state = changed(&changes);
        let encoded = state.encode();
        let read = DeriverState::decode(&encoded).unwrap();
        prop_assert_eq!(&read, &state);
        prop_assert_eq!(read.hash(), state.hash(), "cached hashes are the true ones");
        prop_assert_eq!(read.encode(), encoded);
        let records = state.to_records().into_iter().filter_map(|r| Some((r.key, r.value?)));
        prop_assert_eq!(DeriverState::from_records(records).unwrap(), Some(state));
    }

    #[test]
    fn undoing_gives_the_former_state_and_the_store_follows(
        before in collection::vec(change(), 0..40),
        after in collection::vec(change(), 0..40),
    ) {
        let mut state = changed(&before);
        let former = state.clone();
        after.iter().for_each(|change| apply(&mut state, change));
        let delta = state.commit();
        // The rows in a store, with the changes, are the new state.
        let mut rows: BTreeMap<RowKey, Bytes> = former
            .row_keys()
            .filter_map(|key| Some((key, former.encode_row(&key)?)))
            .collect();
        for (key, value) in &delta.changes {
            match value {
                Some(value) => rows.insert(*key, value.clone()),
                None => rows.remove(key),
            };
        }
        prop_assert_eq!(&DeriverState::from_rows(rows).unwrap(), &state);
        let mut stored = BTreeMap::new();
        state.undo(&delta.undo, &mut stored).unwrap();
        prop_assert_eq!(&state, &former);
        prop_assert_eq!(state.hash(), former.hash());
        prop_assert_eq!(stored.len(), delta.changes.len());
    }

    #[test]
    fn aborting_takes_everything_back(
        before in collection::vec(change(), 0..40),
        after in collection::vec(change(), 0..40),
    ) {
        let mut state = changed(&before);
        let former = state.clone();
        after.iter().for_each(|change| apply(&mut state, change));
        state.abort().unwrap();
        prop_assert_eq!(&state, &former);
        prop_assert_eq!(state.hash(), former.hash());
        prop_assert!(state.commit().changes.is_empty());
    }

    #[test]
    fn damaged_states_are_refused_or_other_states(
        changes in collection::vec(change(), 1..40),
        at in any::<prop::sample::Index>(),
        bit in 0..8u8,
    ) {
        let state = changed(&changes);
        let mut encoded = state.encode();
        let position = at.index(encoded.len());
        prop_assert!(DeriverState::decode(&encoded[..position]).is_err());
        encoded[position] ^= 1 << bit;
        if let Ok(other) = DeriverState::decode(&encoded) {
            prop_assert_ne!(&other, &state);
            prop_assert_ne!(other.hash(), state.hash());
            prop_assert_eq!(other.encode(), encoded);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in collection::vec(any::<u8>(), 0..300)) {
        let _ = DeriverState::decode(&bytes);
        let mut versioned = vec![1];
        versioned.extend_from_slice(&bytes);
        let _ = DeriverState::decode(&versioned);
    }

    #[test]
    fn row_keys_sort_as_their_bytes(
        a in any::<(u64, u64, u32, u8)>(),
        b in any::<(u64, u64, u32, u8)>(),
    ) {
        let row = |(x, y, z, kind): (u64, u64, u32, u8)| {
            let id = ForcedId { ordinal: DaOrdinal(x), index: z };
            let batch = BatchKey { number: x, attempt: y, ..key(kind) };
            match kind % 5 {
                0 => RowKey::Core,
                1 => RowKey::Origin(DaOrdinal(x)),
                2 => RowKey::Forced(id),
                3 => RowKey::Batch(batch),
                _ => RowKey::Piece(batch, z),
            }
        };
        let (a, b) = (row(a), row(b));
        prop_assert_eq!(a.cmp(&b), a.encode().cmp(&b.encode()));
        prop_assert_eq!(RowKey::decode(&a.encode()), Some(a));
        prop_assert!(a.encode().len() <= 73);
    }
}

#[test]
fn states_that_contradict_themselves_are_refused() {
    let mut state = changed(&[Change::Push(1, 1, 9), Change::Store(1, 0, 3)]);
    state.core.forced_bytes += 1;
    assert_eq!(
        DeriverState::decode(&state.encode()),
        Err(StateError::Inconsistent("size of the forced queue"))
    );
    state.core.forced_bytes -= 1;
    state.core.signers[0].stored += 1;
    assert_eq!(
        DeriverState::decode(&state.encode()),
        Err(StateError::Inconsistent("stored bytes of a key"))
    );
    let mut state = changed(&[Change::Epoch(3), Change::Epoch(3)]);
    state.core.epochs.swap(0, 1);
    assert_eq!(
        DeriverState::decode(&state.encode()),
        Err(StateError::Inconsistent("order of the DA epochs"))
    );
    assert_eq!(DeriverState::decode(&[2]), Err(StateError::Version(2)));
    assert_eq!(
        DeriverState::decode(&[1, 0, 0, 0, 0]),
        Err(StateError::NoCore)
    );
}

#[test]
fn the_encoding_and_hash_of_a_state_do_not_drift() {
    let mut changes: Vec<Change> = (0..200).map(Change::Origin).collect();
    changes.extend((0..20).map(|at| Change::Push(at / 3, at, at + 1)));
    changes.extend([
        Change::Store(1, 0, 5),
        Change::Store(1, 2, 6),
        Change::Store(2, 1, 7),
    ]);
    changes.extend([Change::Attempt(1, 3), Change::Reject(9), Change::Epoch(4)]);
    let state = changed(&changes);
    let found = [keccak256(state.encode()), state.hash(), genesis().hash()];
    assert_eq!(
        found.map(|hash| hash.to_string()),
        [
            "0xea23816d3c9ccc60b118f0271735de47236f7abd1984b8da7b8041b5a7e1ad19",
            "0x6b741068bfd688217d261b85fa18ed5391d9521518b6cf5476d63c91336e2101",
            "0x2b70bf265feed701fb914964f650d4f243b11864b0171450fd05eab1bc9356fa"
        ]
    );
}
