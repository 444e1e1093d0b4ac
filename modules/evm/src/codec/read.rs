//! Columns from bytes. Sequential, and free of signatures.

mod lists;

use super::{
    columns::{BlockColumn, Columns, Input, Plan},
    dictionary::{Table, all_differ, read_addresses, read_integers, read_prices},
    malformed,
    number::{ADDRESS, Number, NumberReader, is_address_word},
    reader::Reader,
    shape::{Calldata, Shape, grouped},
};
use alloc::{format, vec::Vec};
use alloy_primitives::{Address, U256};
use rollwright_derive::{CodecError, CodecLimits, EncodedFacts};

/// Reads all columns of a batch and refuses whatever is not canonical.
pub(super) fn read<'a>(
    columns: &'a [u8],
    signatures: &'a [u8],
    chain_id: u64,
    facts: &EncodedFacts,
    limits: &CodecLimits,
) -> Result<Columns<'a>, CodecError> {
    let reader = &mut Reader::new(columns);
    let total = facts.transactions as usize;
    let mut addresses = read_addresses(reader)?;
    let blocks = read_blocks(reader, &mut addresses, facts, limits)?;
    let (shapes, codes) = read_shapes(reader, total)?;
    let promise = Promise {
        blocks: &blocks,
        limits,
    };
    let words_of = |code: &u32| shapes[*code as usize].calldata.words() as u64;
    promise.check(codes.iter().map(|code| 32 * words_of(code)))?;
    let (senders, slots) = read_senders(reader, total)?;

    let order = grouped(&codes, shapes.len());
    let mut plans: Vec<Plan<'a>> = senders
        .iter()
        .zip(&codes)
        .map(|((slot, nonce), code)| Plan {
            kind: shapes[*code as usize].kind,
            slot: *slot,
            nonce: *nonce,
            gas_limit: 0,
            price: 0,
            tip: 0,
            to: None,
            value: U256::ZERO,
            input: Input::Bytes(&[]),
            accesses: 0..0,
            authorisations: 0..0,
        })
        .collect();
    let group = Grouped {
        shapes: &shapes,
        codes: &codes,
        order: &order,
    };
    group.read_fees(reader, &mut plans)?;
    group.read_recipients(reader, &mut addresses, &mut plans)?;
    let mut values = NumberReader::take(reader, total, 32)?;
    for position in group.order {
        plans[*position as usize].value = values.value()?;
    }
    group.read_bytes(reader, &mut plans)?;
    let words = group.read_words(reader, &mut addresses, &mut plans)?;
    let accesses = group.read_accesses(reader, &mut addresses, &mut plans, &promise)?;
    let authorisations =
        group.read_authorisations(reader, &mut addresses, &mut plans, signatures, chain_id)?;
    addresses.finish()?;
    if !reader.rest().is_empty() {
        return Err(malformed("bytes follow the last column"));
    }
    Ok(Columns {
        blocks,
        plans,
        words,
        accesses,
        authorisations,
        slots,
    })
}

fn read_blocks(
    reader: &mut Reader<'_>,
    addresses: &mut Table<Address>,
    facts: &EncodedFacts,
    limits: &CodecLimits,
) -> Result<Vec<BlockColumn>, CodecError> {
    let count = facts.blocks as usize;
    let deltas = |reader: &mut Reader<'_>| -> Result<Vec<u64>, CodecError> {
        reader.at_least(count)?;
        let mut last = 0u64;
        (0..count)
            .map(|_| {
                last = last.wrapping_add(reader.zigzag()?);
                Ok(last)
            })
            .collect()
    };
    let timestamps = deltas(reader)?;
    let origins = deltas(reader)?;
    let transactions = reader.varints(count)?;
    let recipients = reader.indices(count, addresses.bound())?;
    let mut left = u64::from(facts.transactions);
    let mut blocks = Vec::with_capacity(count);
    for (index, code) in recipients.into_iter().enumerate() {
        let transactions = transactions[index];
        if transactions > u64::from(limits.max_block_transactions) {
            return Err(CodecError::TooLarge(format!(
                "block {index} of the batch holds {transactions} transactions, {} are allowed",
                limits.max_block_transactions
            )));
        }
        left = left
            .checked_sub(transactions)
            .ok_or_else(|| malformed("blocks hold more transactions than stated"))?;
        blocks.push(BlockColumn {
            timestamp: timestamps[index],
            origin: origins[index],
            fee_recipient: addresses.value(code)?,
            transactions: transactions as usize,
        });
    }
    match left {
        0 => Ok(blocks),
        _ => Err(malformed("blocks hold fewer transactions than stated")),
    }
}

/// The shapes, and the code of each transaction in batch order.
fn read_shapes(
    reader: &mut Reader<'_>,
    total: usize,
) -> Result<(Vec<Shape>, Vec<u32>), CodecError> {
    let count = reader.count()?;
    if count > total {
        return Err(malformed("a shape is never used"));
    }
    let shapes = (0..count)
        .map(|_| Shape::read(reader))
        .collect::<Result<Vec<_>, _>>()?;
    if !all_differ(&shapes) {
        return Err(malformed("a shape stands twice"));
    }
    if count == 0 && total > 0 {
        return Err(malformed("transactions have no shape"));
    }
    let codes = reader.indices(total, count)?;
    let mut seen = 0;
    for code in &codes {
        if *code > seen {
            return Err(malformed("shapes are not in order of first use"));
        }
        seen += u32::from(*code == seen);
    }
    match seen as usize == count {
        true => Ok((shapes, codes)),
        false => Err(malformed("a shape is never used")),
    }
}

/// What transactions will take at least, by block and in the whole batch:
/// counted before room is made for it, since columns can promise many times
/// their own length.
struct Promise<'a> {
    blocks: &'a [BlockColumn],
    limits: &'a CodecLimits,
}

impl Promise<'_> {
    /// `bytes` gives for each transaction, in batch order, a lower bound of its
    /// encoded length.
    fn check(&self, bytes: impl IntoIterator<Item = u64>) -> Result<(), CodecError> {
        let mut bytes = bytes.into_iter();
        let mut batch = 0u64;
        for (index, block) in self.blocks.iter().enumerate() {
            let bytes = bytes
                .by_ref()
                .take(block.transactions)
                .fold(0, u64::saturating_add);
            batch = batch.saturating_add(bytes);
            check_bytes(index, bytes, batch, self.limits)?;
        }
        Ok(())
    }
}

/// The bounds on encoded transactions: `block` of the block `index`, `batch` of
/// all blocks up to it.
pub(super) fn check_bytes(
    index: usize,
    block: u64,
    batch: u64,
    limits: &CodecLimits,
) -> Result<(), CodecError> {
    if block > limits.max_block_bytes {
        return Err(CodecError::TooLarge(format!(
            "transactions of block {index} of the batch exceed {} bytes",
            limits.max_block_bytes
        )));
    }
    if batch > u64::from(limits.max_decompressed_bytes) {
        return Err(CodecError::TooLarge(format!(
            "the batch expands to transactions of more than {} bytes",
            limits.max_decompressed_bytes
        )));
    }
    Ok(())
}

/// Slot and nonce of each transaction in batch order, and the number of slots.
fn read_senders(
    reader: &mut Reader<'_>,
    total: usize,
) -> Result<(Vec<(u32, u64)>, usize), CodecError> {
    let slots = reader.count()?;
    if slots > total {
        return Err(malformed("a sender slot is never used"));
    }
    let codes = reader.indices(total, slots + 1)?;
    // The next expected nonce of each slot in use.
    let mut next = reader.varints(slots)?;
    let mut used = 0u32;
    let mut senders = Vec::with_capacity(total);
    for code in codes {
        let (slot, nonce) = match code {
            0 => {
                used += 1;
                let first = next.get(used as usize - 1);
                let first = first.ok_or_else(|| malformed("there are too few sender slots"))?;
                (used - 1, *first)
            }
            code if code <= used => {
                let slot = code - 1;
                (slot, next[slot as usize].wrapping_add(reader.zigzag()?))
            }
            _ => return Err(malformed("a sender slot is used before its first use")),
        };
        next[slot as usize] = nonce.wrapping_add(1);
        senders.push((slot, nonce));
    }
    match used as usize == slots {
        true => Ok((senders, slots)),
        false => Err(malformed("a sender slot is never used")),
    }
}

/// Columns in grouped order.
struct Grouped<'s> {
    shapes: &'s [Shape],
    codes: &'s [u32],
    order: &'s [u32],
}

impl Grouped<'_> {
    /// Positions in grouped order of the transactions whose shape fits.
    fn positions(&self, fits: impl Fn(&Shape) -> bool) -> impl Iterator<Item = usize> {
        self.order
            .iter()
            .map(|position| *position as usize)
            .filter(move |position| fits(&self.shapes[self.codes[*position] as usize]))
    }

    fn count(&self, fits: impl Fn(&Shape) -> bool) -> usize {
        self.positions(fits).count()
    }

    fn read_fees(&self, reader: &mut Reader<'_>, plans: &mut [Plan<'_>]) -> Result<(), CodecError> {
        let limits = read_integers(reader, plans.len())?;
        let prices = read_prices(reader, plans.len())?;
        for ((position, gas_limit), price) in self.positions(|_| true).zip(limits).zip(prices) {
            plans[position].gas_limit = gas_limit;
            plans[position].price = price;
        }
        let tipped = |shape: &Shape| shape.kind.has_tip();
        let tips = read_prices(reader, self.count(tipped))?;
        for (position, tip) in self.positions(tipped).zip(tips) {
            plans[position].tip = tip;
        }
        Ok(())
    }

    fn read_recipients(
        &self,
        reader: &mut Reader<'_>,
        addresses: &mut Table<Address>,
        plans: &mut [Plan<'_>],
    ) -> Result<(), CodecError> {
        let calls = |shape: &Shape| !shape.create;
        let codes = reader.indices(self.count(calls), addresses.bound())?;
        for (position, code) in self.positions(calls).zip(codes) {
            plans[position].to = Some(addresses.value(code)?);
        }
        Ok(())
    }

    fn read_bytes<'a>(
        &self,
        reader: &mut Reader<'a>,
        plans: &mut [Plan<'a>],
    ) -> Result<(), CodecError> {
        let fits = |shape: &Shape| shape.calldata == Calldata::Bytes;
        let lens = reader.varints(self.count(fits))?;
        for (position, len) in self.positions(fits).zip(lens) {
            if len == 0 || len % 32 == 4 {
                return Err(malformed("calldata has the wrong shape for its length"));
            }
            let len = usize::try_from(len).map_err(|_| malformed("calldata is too long"))?;
            plans[position].input = Input::Bytes(reader.bytes(len)?);
        }
        Ok(())
    }

    fn read_words(
        &self,
        reader: &mut Reader<'_>,
        addresses: &mut Table<Address>,
        plans: &mut [Plan<'_>],
    ) -> Result<Vec<[u8; 32]>, CodecError> {
        let mut total = 0usize;
        let mut start = 0;
        while start < self.order.len() {
            let code = self.codes[self.order[start] as usize];
            let members = self.order[start..]
                .iter()
                .take_while(|position| self.codes[**position as usize] == code)
                .count();
            if let Calldata::Abi { selector, words } = self.shapes[code as usize].calldata {
                for place in 0..members {
                    plans[self.order[start + place] as usize].input = Input::Abi {
                        selector,
                        first: total + place,
                        stride: members,
                        words: words as usize,
                    };
                }
                total = (words as usize)
                    .checked_mul(members)
                    .and_then(|words| words.checked_add(total))
                    .ok_or_else(|| malformed("calldata is too long"))?;
            }
            start += members;
        }
        let mut numbers = NumberReader::take(reader, total, ADDRESS)?;
        let codes = reader.indices(numbers.addresses(), addresses.bound())?;
        let mut codes = codes.into_iter();
        let mut words = Vec::with_capacity(total);
        for _ in 0..total {
            let (word, is_address) = match numbers.next()? {
                Number::Value(value) => (value, false),
                Number::Address => {
                    let code = codes.next().ok_or_else(|| malformed("columns end early"))?;
                    (U256::from_be_slice(addresses.value(code)?.as_slice()), true)
                }
            };
            if is_address_word(word) != is_address {
                return Err(malformed("a word is not coded as its length demands"));
            }
            words.push(word.to_be_bytes());
        }
        Ok(words)
    }
}
