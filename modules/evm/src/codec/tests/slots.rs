use super::*;
use crate::codec::{
    shape::Shape,
    write::{Item, write},
};
use crate::machine::RecoveredTx;
use alloy_primitives::Address;

/// Encodes a batch whose writer believes in other senders than the signatures
/// say.
fn forged(forge: impl Fn(usize, Address) -> Address) -> Result<Vec<BatchBlock>, CodecError> {
    let blocks = samples::every_column();
    let transactions = blocks.iter().flat_map(|block| &block.transactions);
    let items: Vec<Item> = transactions
        .enumerate()
        .map(|(index, bytes)| {
            let recovered = RecoveredTx::decode(bytes).expect("recovers");
            Item {
                shape: Shape::of(recovered.envelope()).expect("admitted"),
                sender: forge(index, recovered.sender()),
                transaction: recovered.envelope().clone(),
            }
        })
        .collect();
    let written = write(&blocks, &items, mix::CHAIN_ID);
    let payload = [written.raw, written.columns].concat();
    let encoded = EncodedBlocks {
        decompressed_len: payload.len() as u32,
        payload: payload.into(),
        transactions: items.len() as u32,
    };
    decode(CodecId::NONE, &blocks, &encoded)
}

#[test]
fn true_senders_are_taken() {
    assert!(forged(|_, sender| sender).is_ok());
}

#[test]
fn a_slot_with_two_senders_is_refused() {
    assert_malformed(
        forged(|_, _| Address::ZERO),
        "a sender slot holds two senders",
    );
}

#[test]
fn a_sender_with_two_slots_is_refused() {
    assert_malformed(
        forged(|index, _| Address::with_last_byte(index as u8)),
        "a sender has two slots",
    );
}
