//! Columns from transactions: the mirror image of reading them.

use super::{
    dictionary::{Dictionary, put_integers, put_prices},
    number::{NumberWriter, is_address_word},
    reader::{put_indices, put_varint, put_zigzag},
    shape::{Calldata, Shape, grouped},
};
use crate::machine::TxEnvelope;
use alloc::vec::Vec;
use alloy_consensus::Transaction;
use alloy_eips::{eip2930::AccessListItem, eip7702::SignedAuthorization};
use alloy_primitives::{Address, B256, U256, map::HashMap};
use rollwright_derive::BatchBlock;

/// A checked transaction.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) transaction: TxEnvelope,
    pub(super) shape: Shape,
    pub(super) sender: Address,
}

/// The two halves of a payload.
#[derive(Debug)]
pub(super) struct Written {
    /// Count of authorisations and all signatures.
    pub(super) raw: Vec<u8>,
    /// What is compressed.
    pub(super) columns: Vec<u8>,
}

/// Writes blocks whose transactions, in batch order, are `items`.
pub(super) fn write(blocks: &[BatchBlock], items: &[Item], chain_id: u64) -> Written {
    let (shapes, codes) = shapes_of(items);
    let order = grouped(&codes, shapes.len());
    let grouped = Grouped {
        shapes: &shapes,
        items: order.iter().map(|place| &items[*place as usize]).collect(),
    };
    let addresses = AddressCodes::of(blocks, &grouped);
    let mut out = Vec::with_capacity(20 * addresses.dictionary.table().len() + 64 * items.len());
    addresses.put_table(&mut out);
    put_blocks(&mut out, blocks);
    addresses.put(&mut out, &addresses.blocks);

    put_varint(&mut out, shapes.len() as u64);
    for shape in &shapes {
        shape.write(&mut out);
    }
    put_indices(&mut out, &codes, shapes.len());
    put_senders(&mut out, items);
    grouped.put_fees(&mut out);
    addresses.put(&mut out, &addresses.recipients);
    grouped.put_values(&mut out);
    grouped.put_bytes(&mut out);
    grouped.put_words(&mut out);
    addresses.put(&mut out, &addresses.words);
    grouped.put_accesses(&mut out, &addresses);
    grouped.put_authorisations(&mut out, &addresses, chain_id);
    Written {
        raw: raw(items, &grouped),
        columns: out,
    }
}

/// Distinct shapes in order of first use, and each transaction's.
fn shapes_of(items: &[Item]) -> (Vec<Shape>, Vec<u32>) {
    let mut dictionary = Dictionary::new();
    let codes = items
        .iter()
        .map(|item| match dictionary.code(item.shape) {
            0 => dictionary.table().len() as u32 - 1,
            code => code - 1,
        })
        .collect();
    (dictionary.table().to_vec(), codes)
}

fn put_blocks(out: &mut Vec<u8>, blocks: &[BatchBlock]) {
    let mut put_deltas = |of: fn(&BatchBlock) -> u64| {
        let mut last = 0u64;
        for value in blocks.iter().map(of) {
            put_zigzag(out, value.wrapping_sub(last));
            last = value;
        }
    };
    put_deltas(|block| block.timestamp);
    put_deltas(|block| block.origin.0);
    for block in blocks {
        put_varint(out, block.transactions.len() as u64);
    }
}

fn put_senders(out: &mut Vec<u8>, items: &[Item]) {
    let mut slots = Dictionary::new();
    let codes: Vec<u32> = items.iter().map(|item| slots.code(item.sender)).collect();
    put_varint(out, slots.table().len() as u64);
    put_indices(out, &codes, slots.bound());
    let mut next: HashMap<Address, u64> = HashMap::default();
    let mut deltas = Vec::new();
    for item in items {
        let nonce = item.transaction.nonce();
        match next.insert(item.sender, nonce.wrapping_add(1)) {
            None => put_varint(out, nonce),
            Some(expected) => put_zigzag(&mut deltas, nonce.wrapping_sub(expected)),
        }
    }
    out.append(&mut deltas);
}

/// Transactions in grouped order.
struct Grouped<'a> {
    shapes: &'a [Shape],
    items: Vec<&'a Item>,
}

impl<'a> Grouped<'a> {
    /// Calls `each` with every ABI word in the order of the columns.
    fn words(&self, mut each: impl FnMut(U256)) {
        let mut rest = self.items.as_slice();
        for shape in self.shapes {
            let members = rest.iter().take_while(|item| item.shape == *shape).count();
            let (group, others) = rest.split_at(members);
            rest = others;
            for word in 0..shape.calldata.words() {
                for item in group {
                    let from = 4 + 32 * word;
                    each(U256::from_be_slice(
                        &item.transaction.input()[from..from + 32],
                    ));
                }
            }
        }
    }

    fn access_lists(&self) -> impl Iterator<Item = &'a [AccessListItem]> {
        self.items
            .iter()
            .filter(|item| item.shape.access_list)
            .filter_map(|item| item.transaction.access_list())
            .map(|list| list.0.as_slice())
    }

    fn authorisation_lists(&self) -> impl Iterator<Item = &'a [SignedAuthorization]> {
        self.items
            .iter()
            .filter_map(|item| item.transaction.authorization_list())
    }

    fn put_fees(&self, out: &mut Vec<u8>) {
        put_integers(
            out,
            self.items.iter().map(|item| item.transaction.gas_limit()),
        );
        put_prices(
            out,
            self.items
                .iter()
                .map(|item| item.transaction.max_fee_per_gas()),
        );
        let tipped = self.items.iter().filter(|item| item.shape.kind.has_tip());
        put_prices(
            out,
            tipped.map(|item| {
                item.transaction
                    .max_priority_fee_per_gas()
                    .unwrap_or_default()
            }),
        );
    }

    fn put_values(&self, out: &mut Vec<u8>) {
        let mut numbers = NumberWriter::default();
        for item in &self.items {
            numbers.push(item.transaction.value());
        }
        numbers.finish(out);
    }

    fn put_bytes(&self, out: &mut Vec<u8>) {
        let plain = || {
            self.items
                .iter()
                .filter(|item| item.shape.calldata == Calldata::Bytes)
                .map(|item| item.transaction.input())
        };
        for input in plain() {
            put_varint(out, input.len() as u64);
        }
        for input in plain() {
            out.extend_from_slice(input);
        }
    }

    fn put_words(&self, out: &mut Vec<u8>) {
        let mut numbers = NumberWriter::default();
        self.words(|word| match is_address_word(word) {
            true => numbers.push_address(),
            false => numbers.push(word),
        });
        numbers.finish(out);
    }

    fn put_accesses(&self, out: &mut Vec<u8>, addresses: &AddressCodes) {
        for list in self.access_lists() {
            put_varint(out, list.len() as u64);
        }
        addresses.put(out, &addresses.accesses);
        let entries = || self.access_lists().flatten();
        for entry in entries() {
            put_varint(out, entry.storage_keys.len() as u64);
        }
        for key in entries().flat_map(|entry| &entry.storage_keys) {
            out.extend_from_slice(key.as_slice());
        }
    }

    fn put_authorisations(&self, out: &mut Vec<u8>, addresses: &AddressCodes, chain_id: u64) {
        for list in self.authorisation_lists() {
            put_varint(out, list.len() as u64);
        }
        let ours = U256::from(chain_id);
        let entries = || self.authorisation_lists().flatten();
        let mut others = NumberWriter::default();
        for chain in entries().map(|entry| entry.chain_id) {
            out.push(match chain {
                zero if zero.is_zero() => 0,
                chain if chain == ours => 1,
                other => {
                    others.push(other);
                    2
                }
            });
        }
        others.finish(out);
        addresses.put(out, &addresses.authorisations);
        for entry in entries() {
            put_varint(out, entry.nonce);
        }
        out.extend(entries().map(SignedAuthorization::y_parity));
    }
}

/// Address codes of every column, given before the first one is written: the
/// table's length decides how wide they are.
struct AddressCodes {
    dictionary: Dictionary<Address>,
    blocks: Vec<u32>,
    recipients: Vec<u32>,
    words: Vec<u32>,
    accesses: Vec<u32>,
    authorisations: Vec<u32>,
}

impl AddressCodes {
    fn of(blocks: &[BatchBlock], grouped: &Grouped<'_>) -> Self {
        let mut dictionary = Dictionary::new();
        let fee_recipients = blocks.iter().map(|block| block.fee_recipient);
        let blocks = fee_recipients
            .map(|address| dictionary.code(address))
            .collect();
        let recipients = grouped
            .items
            .iter()
            .filter_map(|item| item.transaction.to());
        let recipients = recipients.map(|address| dictionary.code(address)).collect();
        let mut words = Vec::new();
        grouped.words(|word| {
            if is_address_word(word) {
                let word = B256::from(word.to_be_bytes::<32>());
                words.push(dictionary.code(Address::from_word(word)));
            }
        });
        let accesses = grouped.access_lists().flatten().map(|entry| entry.address);
        let accesses = accesses.map(|address| dictionary.code(address)).collect();
        let authorised = grouped.authorisation_lists().flatten();
        let authorisations = authorised
            .map(|entry| dictionary.code(entry.address))
            .collect();
        Self {
            dictionary,
            blocks,
            recipients,
            words,
            accesses,
            authorisations,
        }
    }

    fn put_table(&self, out: &mut Vec<u8>) {
        put_varint(out, self.dictionary.table().len() as u64);
        for address in self.dictionary.table() {
            out.extend_from_slice(address.as_slice());
        }
    }

    fn put(&self, out: &mut Vec<u8>, codes: &[u32]) {
        put_indices(out, codes, self.dictionary.bound());
    }
}

/// The part that is not compressed.
fn raw(items: &[Item], grouped: &Grouped<'_>) -> Vec<u8> {
    let authorised = || grouped.authorisation_lists().flatten();
    let mut out = Vec::with_capacity(10 + 65 * items.len());
    put_varint(&mut out, authorised().count() as u64);
    let mut parities = alloc::vec![0u8; items.len().div_ceil(8)];
    for (index, item) in items.iter().enumerate() {
        let signature = item.transaction.signature();
        out.extend_from_slice(&signature.r().to_be_bytes::<32>());
        out.extend_from_slice(&signature.s().to_be_bytes::<32>());
        parities[index / 8] |= u8::from(signature.v()) << (index % 8);
    }
    for entry in authorised() {
        out.extend_from_slice(&entry.r().to_be_bytes::<32>());
        out.extend_from_slice(&entry.s().to_be_bytes::<32>());
    }
    out.append(&mut parities);
    out
}
