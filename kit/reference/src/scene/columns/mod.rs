//! Columns of Ethereum transactions by hand, from FORMAT.md alone: what a
//! batcher writes, or the same with one fault.

mod fault;
mod pack;
mod parts;
#[cfg(test)]
mod tests;

pub use pack::Packed;
pub(super) use pack::pack;

use alloy_consensus::{Transaction as _, TxEnvelope, TxType, transaction::SignerRecoverable as _};
use alloy_eips::eip2718::Decodable2718 as _;
use alloy_primitives::{Address, Bytes, Signature, U256};
use parts::{Codes, coded, dictionary, numbers, varint, varints, zigzag};
use rollwright_derive::BatchBlock;

/// A transaction, its sender and its shape.
struct Item {
    transaction: TxEnvelope,
    sender: Address,
    /// Shape byte, then selector and number of words of ABI calldata.
    shape: Vec<u8>,
}

/// One column after the other, each with its name, and the signatures.
struct Written {
    columns: Vec<(&'static str, Vec<u8>)>,
    signatures: Vec<Signature>,
    /// r and s of each authorisation.
    authorisations: Vec<[U256; 2]>,
    /// How many ABI words there are.
    words: usize,
}

impl Written {
    /// The column of that name.
    fn column(&mut self, name: &str) -> Option<&mut Vec<u8>> {
        let found = self.columns.iter_mut().find(|(known, _)| *known == name);
        found.map(|(_, bytes)| bytes)
    }

    fn put(&mut self, name: &'static str, bytes: Vec<u8>) {
        self.columns.push((name, bytes));
    }
}

/// Who shares a sender slot: two of the writer's faults are here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slots {
    /// Whoever is the same sender.
    BySender,
    /// Everybody.
    One,
    /// Nobody.
    Each,
}

fn items(blocks: &[BatchBlock]) -> Option<Vec<Item>> {
    let all = blocks.iter().flat_map(|block| &block.transactions);
    all.map(item).collect()
}

fn item(bytes: &Bytes) -> Option<Item> {
    let transaction = TxEnvelope::decode_2718_exact(bytes).ok()?;
    let kind = match transaction.tx_type() {
        TxType::Legacy => u8::from(transaction.chain_id().is_none()),
        TxType::Eip2930 => 2,
        TxType::Eip1559 => 3,
        TxType::Eip7702 => 4,
        TxType::Eip4844 => return None,
    };
    let input = transaction.input();
    let lists = transaction
        .access_list()
        .is_some_and(|list| !list.is_empty());
    let mut shape = vec![kind | u8::from(transaction.to().is_none()) << 3 | u8::from(lists) << 4];
    if input.len() % 32 == 4 {
        shape[0] |= 2 << 5;
        shape.extend_from_slice(&input[..4]);
        varint(&mut shape, input.len() as u64 / 32);
    } else if !input.is_empty() {
        shape[0] |= 1 << 5;
    }
    Some(Item {
        sender: transaction.recover_signer().ok()?,
        transaction,
        shape,
    })
}

/// Writes all columns; `None` where a transaction is none that a batch holds.
fn write(blocks: &[BatchBlock], chain_id: u64, slots: Slots) -> Option<Written> {
    let items = items(blocks)?;
    let mut written = Written {
        columns: Vec::new(),
        signatures: items
            .iter()
            .map(|item| *item.transaction.signature())
            .collect(),
        authorisations: Vec::new(),
        words: 0,
    };
    let mut addresses: Codes<Address> = Codes::default();
    let recipients = blocks.iter().map(|block| block.fee_recipient);
    let recipients: Vec<usize> = recipients.map(|address| addresses.code(address)).collect();

    let mut shapes: Vec<&[u8]> = Vec::new();
    let mut of = Vec::new();
    for item in &items {
        let known = shapes.iter().position(|shape| *shape == item.shape);
        let index = known.unwrap_or_else(|| {
            shapes.push(&item.shape);
            shapes.len() - 1
        });
        of.push(index);
    }
    let mut grouped: Vec<(usize, &Item)> = of.iter().copied().zip(&items).collect();
    grouped.sort_by_key(|(shape, _)| *shape);

    let called = grouped.iter().filter_map(|(_, item)| item.transaction.to());
    let called: Vec<usize> = called.map(|address| addresses.code(address)).collect();
    let (words, word_codes) = words(&grouped, shapes.len(), &mut addresses);
    let entries: Vec<_> = grouped
        .iter()
        .filter_map(|(_, item)| item.transaction.access_list())
        .filter(|list| !list.is_empty())
        .collect();
    let listed = entries.iter().flat_map(|list| list.iter());
    let listed: Vec<usize> = listed.map(|entry| addresses.code(entry.address)).collect();
    let signed: Vec<_> = grouped
        .iter()
        .filter_map(|(_, item)| item.transaction.authorization_list())
        .collect();
    let delegates = signed.iter().flat_map(|list| list.iter());
    let delegates: Vec<usize> = delegates
        .map(|authorisation| addresses.code(authorisation.address))
        .collect();
    let bound = addresses.bound();

    // 1, 2.
    let mut table = Vec::new();
    varint(&mut table, addresses.table.len() as u64);
    table.extend(addresses.table.iter().flat_map(|address| address.0.0));
    written.put("addresses", table);
    let times = blocks.iter().map(|block| block.timestamp);
    written.put("timestamps", deltas(times));
    written.put("origins", deltas(blocks.iter().map(|block| block.origin.0)));
    let counts = blocks.iter().map(|block| block.transactions.len() as u64);
    written.put("counts", varints(counts));
    written.put("fee recipients", coded(&recipients, bound));
    // 3, 4.
    let mut table = Vec::new();
    varint(&mut table, shapes.len() as u64);
    table.extend(shapes.iter().flat_map(|shape| shape.iter()));
    written.put("shapes", table);
    written.put("shape codes", coded(&of, shapes.len()));
    senders(&mut written, &items, slots);
    // 5, 6.
    let each = |value: fn(&TxEnvelope) -> U256| -> Vec<U256> {
        grouped
            .iter()
            .map(|(_, item)| value(&item.transaction))
            .collect()
    };
    let (table, codes, bound_of) = dictionary(each(|it| U256::from(it.gas_limit())));
    let limits = table.iter().map(|limit| limit.to::<u64>());
    let mut gas = varints([table.len() as u64]);
    gas.extend(varints(limits));
    written.put("gas limits", gas);
    written.put("gas codes", coded(&codes, bound_of));
    let (table, codes, bound_of) = dictionary(each(|it| U256::from(it.max_fee_per_gas())));
    written.put("prices", counted(&table));
    written.put("price codes", coded(&codes, bound_of));
    let tips = grouped
        .iter()
        .filter_map(|(_, item)| item.transaction.max_priority_fee_per_gas());
    let (table, codes, bound_of) = dictionary(tips.map(U256::from).collect());
    written.put("tips", counted(&table));
    written.put("tip codes", coded(&codes, bound_of));
    // 7, 8, 9.
    written.put("recipients", coded(&called, bound));
    written.put("values", numbers(&each(|it| it.value())));
    let bytes = grouped.iter().map(|(_, item)| item);
    let bytes: Vec<&Bytes> = bytes
        .filter(|item| item.shape[0] >> 5 == 1)
        .map(|item| item.transaction.input())
        .collect();
    written.put("lengths", varints(bytes.iter().map(|it| it.len() as u64)));
    let bytes = bytes.into_iter().flatten().copied();
    written.put("calldata", bytes.collect());
    // 10.
    written.words = words.len();
    written.put("words", parts::words(&words));
    written.put("word codes", coded(&word_codes, bound));
    // 11.
    let counts = entries.iter().map(|list| list.len() as u64);
    written.put("access lists", varints(counts));
    written.put("access codes", coded(&listed, bound));
    let entries: Vec<_> = entries.iter().flat_map(|list| list.iter()).collect();
    let counts = entries.iter().map(|entry| entry.storage_keys.len() as u64);
    written.put("key counts", varints(counts));
    let keys = entries.iter().flat_map(|entry| &entry.storage_keys);
    written.put("keys", keys.flat_map(|key| key.0).collect());
    // 12.
    let counts = signed.iter().map(|list| list.len() as u64);
    written.put("authorisation lists", varints(counts));
    let signed: Vec<_> = signed.iter().flat_map(|list| list.iter()).collect();
    let ours = U256::from(chain_id);
    let kind = |id: &U256| match *id {
        U256::ZERO => 0,
        id if id == ours => 1,
        _ => 2,
    };
    let chains: Vec<U256> = signed.iter().map(|it| it.chain_id).collect();
    written.put("chains", chains.iter().map(kind).collect());
    let others = chains.into_iter().filter(|id| kind(id) == 2);
    written.put("other chains", numbers(&others.collect::<Vec<_>>()));
    written.put("delegate codes", coded(&delegates, bound));
    written.put("delegate nonces", varints(signed.iter().map(|it| it.nonce)));
    written.put(
        "delegate parities",
        signed.iter().map(|it| it.y_parity()).collect(),
    );
    written.authorisations = signed.iter().map(|it| [it.r(), it.s()]).collect();
    Some(written)
}

fn deltas(values: impl Iterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut last = 0u64;
    for value in values {
        zigzag(&mut out, value.wrapping_sub(last));
        last = value;
    }
    out
}

/// A table of numbers behind its count.
fn counted(table: &[U256]) -> Vec<u8> {
    let mut out = varints([table.len() as u64]);
    out.extend(numbers(table));
    out
}

/// Column 4.
fn senders(written: &mut Written, items: &[Item], slots: Slots) {
    let whose = |item: &Item| match slots {
        Slots::BySender => item.sender.into_word(),
        Slots::One => Address::ZERO.into_word(),
        Slots::Each => *item.transaction.tx_hash(),
    };
    let mut table = Codes::default();
    let codes: Vec<usize> = items.iter().map(|item| table.code(whose(item))).collect();
    let mut first = Vec::new();
    let mut others = Vec::new();
    let mut last: Vec<u64> = Vec::new();
    for (item, code) in items.iter().zip(&codes) {
        let nonce = item.transaction.nonce();
        match code.checked_sub(1) {
            None => {
                varint(&mut first, nonce);
                last.push(nonce);
            }
            Some(slot) => {
                zigzag(&mut others, nonce.wrapping_sub(last[slot]).wrapping_sub(1));
                last[slot] = nonce;
            }
        }
    }
    written.put("slots", varints([table.table.len() as u64]));
    written.put("slot codes", coded(&codes, table.bound()));
    written.put("first nonces", first);
    written.put("nonces", others);
}

/// Column 10: its words, `None` where an address code follows, and these codes.
fn words(
    grouped: &[(usize, &Item)],
    shapes: usize,
    addresses: &mut Codes<Address>,
) -> (Vec<Option<U256>>, Vec<usize>) {
    let mut found = Vec::new();
    for shape in 0..shapes {
        let of_shape = grouped.iter().filter(|(of, _)| *of == shape);
        let inputs: Vec<&Bytes> = of_shape
            .filter(|(_, item)| item.shape[0] >> 5 == 2)
            .map(|(_, item)| item.transaction.input())
            .collect();
        let count = inputs.first().map_or(0, |input| input.len() / 32);
        for word in 0..count {
            let at = 4 + 32 * word;
            let of_each = inputs.iter().map(|input| &input[at..at + 32]);
            found.extend(of_each.map(U256::from_be_slice));
        }
    }
    let is_address = |word: &U256| (17..=20).contains(&word.byte_len());
    let codes = found.iter().filter(|word| is_address(word));
    let codes = codes.map(|word| addresses.code(Address::from_word((*word).into())));
    let codes = codes.collect();
    let forms = found
        .iter()
        .map(|word| (!is_address(word)).then_some(*word));
    (forms.collect(), codes)
}
