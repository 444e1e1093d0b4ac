//! The columns in their order.

use super::{
    super::{Bounds, Facts, Refusal},
    cursor::{Cursor, Dictionary},
    words,
};
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, U256};

/// A block without its transactions.
pub(super) struct BlockHead {
    pub(super) timestamp: u64,
    pub(super) origin: u64,
    pub(super) transactions: usize,
    pub(super) fee_recipient: Address,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Legacy,
    Unprotected,
    Eip2930,
    Eip1559,
    Eip7702,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Calldata {
    Empty,
    Bytes,
    Abi { selector: [u8; 4], words: usize },
}

/// What transactions of one shape have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) creation: bool,
    pub(super) access_list: bool,
    pub(super) calldata: Calldata,
}

pub(super) struct AuthorisationColumns {
    pub(super) chain_id: U256,
    pub(super) address: Address,
    pub(super) nonce: u64,
    pub(super) parity: u8,
}

/// A transaction without its signature.
pub(super) struct Row {
    pub(super) shape: Shape,
    pub(super) slot: usize,
    pub(super) nonce: u64,
    pub(super) gas_limit: u64,
    pub(super) price: u128,
    pub(super) tip: u128,
    /// `None` for a creation.
    pub(super) to: Option<Address>,
    pub(super) value: U256,
    pub(super) calldata: Vec<u8>,
    pub(super) access_list: AccessList,
    pub(super) authorisations: Vec<AuthorisationColumns>,
}

/// All columns; rows in batch order.
pub(super) struct Columns {
    pub(super) blocks: Vec<BlockHead>,
    pub(super) rows: Vec<Row>,
    /// The places of the rows in grouped order.
    pub(super) grouped: Vec<usize>,
}

impl Columns {
    pub(super) fn read(
        bytes: &[u8],
        facts: &Facts,
        bounds: &Bounds,
        authorisations: usize,
        chain_id: u64,
    ) -> Result<Self, Refusal> {
        let cursor = &mut Cursor::new(bytes);
        let count = facts.transactions as usize;
        let table = cursor.count()?;
        let table: Result<Vec<Address>, Refusal> = (0..table)
            .map(|_| Ok(Address::from_slice(cursor.take(20)?)))
            .collect();
        let mut addresses = Dictionary::new(table?)?;
        let blocks = blocks(cursor, facts, bounds, &mut addresses)?;
        let (shapes, of) = shapes(cursor, count)?;
        let (slots, nonces) = senders(cursor, count)?;
        let mut rows: Vec<Row> = (0..count)
            .map(|at| Row {
                shape: shapes[of[at]],
                slot: slots[at],
                nonce: nonces[at],
                gas_limit: 0,
                price: 0,
                tip: 0,
                to: None,
                value: U256::ZERO,
                calldata: Vec::new(),
                access_list: AccessList::default(),
                authorisations: Vec::new(),
            })
            .collect();
        let mut grouped: Vec<usize> = (0..count).collect();
        grouped.sort_by_key(|at| (of[*at], *at));
        gas_and_fees(cursor, &mut rows, &grouped)?;
        recipients(cursor, &mut rows, &grouped, &mut addresses)?;
        for (value, at) in cursor.numbers(count)?.into_iter().zip(&grouped) {
            rows[*at].value = value;
        }
        calldata(cursor, &mut rows, &grouped)?;
        words::read(cursor, &mut rows, &shapes, &of, &mut addresses, bounds)?;
        access_lists(cursor, &mut rows, &grouped, &mut addresses)?;
        let list = &mut addresses;
        read_authorisations(cursor, &mut rows, &grouped, list, authorisations, chain_id)?;
        addresses.finish()?;
        if cursor.left() > 0 {
            return Err(Refusal::Rest);
        }
        Ok(Self {
            blocks,
            rows,
            grouped,
        })
    }

    /// Transactions of one slot have one sender, those of two different ones.
    pub(super) fn one_sender_per_slot(&self, senders: &[Address]) -> Result<(), Refusal> {
        let mut of_slot: Vec<Address> = Vec::new();
        for (row, sender) in self.rows.iter().zip(senders) {
            match of_slot.get(row.slot) {
                Some(known) if known == sender => {}
                None if !of_slot.contains(sender) => of_slot.push(*sender),
                None => return Err(Refusal::SenderSlots),
                Some(_) => return Err(Refusal::SlotSenders),
            }
        }
        Ok(())
    }
}

fn blocks(
    cursor: &mut Cursor<'_>,
    facts: &Facts,
    bounds: &Bounds,
    addresses: &mut Dictionary<Address>,
) -> Result<Vec<BlockHead>, Refusal> {
    let count = facts.blocks as usize;
    let deltas = |cursor: &mut Cursor<'_>| -> Result<Vec<u64>, Refusal> {
        let mut last = 0u64;
        let mut values = Vec::new();
        for _ in 0..count {
            last = last.wrapping_add(cursor.zigzag()?);
            values.push(last);
        }
        Ok(values)
    };
    let timestamps = deltas(cursor)?;
    let origins = deltas(cursor)?;
    let counts = cursor.varints(count)?;
    let recipients = addresses.take(cursor, count)?;
    let sum: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let most = u64::from(bounds.block_transactions);
    if sum != u128::from(facts.transactions) {
        return Err(Refusal::BlockCounts);
    }
    if counts.iter().any(|count| *count > most) {
        return Err(Refusal::BlockTransactions);
    }
    let heads = (0..count).map(|at| BlockHead {
        timestamp: timestamps[at],
        origin: origins[at],
        transactions: counts[at] as usize,
        fee_recipient: recipients[at],
    });
    Ok(heads.collect())
}

/// The shapes, and the shape of each transaction in batch order.
fn shapes(cursor: &mut Cursor<'_>, count: usize) -> Result<(Vec<Shape>, Vec<usize>), Refusal> {
    let number = cursor.count()?;
    let mut shapes = Vec::new();
    for _ in 0..number {
        let shape = shape(cursor)?;
        if shapes.contains(&shape) {
            return Err(Refusal::ShapeTwice);
        }
        shapes.push(shape);
    }
    if count > 0 && number == 0 {
        return Err(Refusal::ShapeMissing);
    }
    let of = cursor.codes(count, number)?;
    let mut seen = 0;
    for shape in &of {
        if *shape > seen {
            return Err(Refusal::ShapeOrder);
        }
        seen = seen.max(shape + 1);
    }
    if seen != number {
        return Err(Refusal::ShapeUnused);
    }
    Ok((shapes, of))
}

fn shape(cursor: &mut Cursor<'_>) -> Result<Shape, Refusal> {
    let byte = cursor.byte()?;
    let kind = match byte & 0b111 {
        0 => Kind::Legacy,
        1 => Kind::Unprotected,
        2 => Kind::Eip2930,
        3 => Kind::Eip1559,
        4 => Kind::Eip7702,
        _ => return Err(Refusal::ShapeKind),
    };
    let creation = byte & 8 != 0;
    let access_list = byte & 16 != 0;
    let has_no_list = matches!(kind, Kind::Legacy | Kind::Unprotected);
    if byte & 128 != 0 || (creation && kind == Kind::Eip7702) || (access_list && has_no_list) {
        return Err(Refusal::ShapeForm);
    }
    let calldata = match byte >> 5 & 0b11 {
        0 => Calldata::Empty,
        1 => Calldata::Bytes,
        2 => {
            let mut selector = [0; 4];
            selector.copy_from_slice(cursor.take(4)?);
            let words = cursor.varint()?;
            Calldata::Abi {
                selector,
                words: usize::try_from(words).map_err(|_| Refusal::BatchBytes)?,
            }
        }
        _ => return Err(Refusal::ShapeForm),
    };
    Ok(Shape {
        kind,
        creation,
        access_list,
        calldata,
    })
}

/// Slot and nonce of each transaction in batch order.
fn senders(cursor: &mut Cursor<'_>, count: usize) -> Result<(Vec<usize>, Vec<u64>), Refusal> {
    let number = cursor.varint()?;
    if number > count as u64 {
        return Err(Refusal::DictionaryUnused);
    }
    let mut table = Dictionary::new((0..number as usize).collect())?;
    let slots = table.take(cursor, count)?;
    table.finish()?;
    let first = cursor.varints(number as usize)?;
    let mut last: Vec<Option<u64>> = vec![None; number as usize];
    let mut nonces = Vec::new();
    for slot in &slots {
        let nonce = match last[*slot] {
            None => first[*slot],
            Some(last) => last.wrapping_add(1).wrapping_add(cursor.zigzag()?),
        };
        last[*slot] = Some(nonce);
        nonces.push(nonce);
    }
    Ok((slots, nonces))
}

fn gas_and_fees(
    cursor: &mut Cursor<'_>,
    rows: &mut [Row],
    grouped: &[usize],
) -> Result<(), Refusal> {
    let number = cursor.count()?;
    let mut limits = Dictionary::new(cursor.varints(number)?)?;
    for (limit, at) in limits.take(cursor, grouped.len())?.into_iter().zip(grouped) {
        rows[*at].gas_limit = limit;
    }
    limits.finish()?;
    let wei = |number: U256| u128::try_from(number).map_err(|_| Refusal::FeeWide);
    let number = cursor.count()?;
    let mut prices = Dictionary::new(cursor.numbers(number)?)?;
    for (price, at) in prices.take(cursor, grouped.len())?.into_iter().zip(grouped) {
        rows[*at].price = wei(price)?;
    }
    prices.finish()?;
    let has_tip = |at: &&usize| matches!(rows[**at].shape.kind, Kind::Eip1559 | Kind::Eip7702);
    let tipping: Vec<usize> = grouped.iter().filter(has_tip).copied().collect();
    let number = cursor.count()?;
    let mut tips = Dictionary::new(cursor.numbers(number)?)?;
    for (tip, at) in tips.take(cursor, tipping.len())?.into_iter().zip(&tipping) {
        rows[*at].tip = wei(tip)?;
    }
    tips.finish()
}

fn recipients(
    cursor: &mut Cursor<'_>,
    rows: &mut [Row],
    grouped: &[usize],
    addresses: &mut Dictionary<Address>,
) -> Result<(), Refusal> {
    let calls = |at: &&usize| !rows[**at].shape.creation;
    let calls: Vec<usize> = grouped.iter().filter(calls).copied().collect();
    for (to, at) in addresses.take(cursor, calls.len())?.into_iter().zip(&calls) {
        rows[*at].to = Some(to);
    }
    Ok(())
}

fn calldata(cursor: &mut Cursor<'_>, rows: &mut [Row], grouped: &[usize]) -> Result<(), Refusal> {
    let bytes = |at: &&usize| rows[**at].shape.calldata == Calldata::Bytes;
    let with_bytes: Vec<usize> = grouped.iter().filter(bytes).copied().collect();
    let lens = cursor.varints(with_bytes.len())?;
    for (len, at) in lens.into_iter().zip(with_bytes) {
        if len == 0 || len % 32 == 4 {
            return Err(Refusal::CalldataLength);
        }
        let len = usize::try_from(len).map_err(|_| Refusal::Ends)?;
        rows[at].calldata = cursor.take(len)?.to_vec();
    }
    Ok(())
}

fn access_lists(
    cursor: &mut Cursor<'_>,
    rows: &mut [Row],
    grouped: &[usize],
    addresses: &mut Dictionary<Address>,
) -> Result<(), Refusal> {
    let with_list = |at: &&usize| rows[**at].shape.access_list;
    let with_list: Vec<usize> = grouped.iter().filter(with_list).copied().collect();
    let counts = cursor.varints(with_list.len())?;
    let all: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if counts.contains(&0) {
        return Err(Refusal::AccessEmpty);
    }
    if all > cursor.left() as u128 {
        return Err(Refusal::Ends);
    }
    let mut of_entry = addresses.take(cursor, all as usize)?.into_iter();
    let mut key_counts = cursor.varints(all as usize)?.into_iter();
    for (count, at) in counts.into_iter().zip(with_list) {
        let mut list = Vec::new();
        for _ in 0..count {
            let mut storage_keys = Vec::new();
            for _ in 0..key_counts.next().unwrap_or_default() {
                storage_keys.push(B256::from_slice(cursor.take(32)?));
            }
            list.push(AccessListItem {
                address: of_entry.next().unwrap_or_default(),
                storage_keys,
            });
        }
        rows[at].access_list = AccessList(list);
    }
    Ok(())
}

/// As many as there are signatures.
fn read_authorisations(
    cursor: &mut Cursor<'_>,
    rows: &mut [Row],
    grouped: &[usize],
    addresses: &mut Dictionary<Address>,
    signatures: usize,
    chain_id: u64,
) -> Result<(), Refusal> {
    let with_list = |at: &&usize| rows[**at].shape.kind == Kind::Eip7702;
    let with_list: Vec<usize> = grouped.iter().filter(with_list).copied().collect();
    let counts = cursor.varints(with_list.len())?;
    let all: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    if counts.contains(&0) {
        return Err(Refusal::AuthorisationEmpty);
    }
    if all != signatures as u128 {
        return Err(Refusal::AuthorisationCount);
    }
    let all = signatures;
    let chains = cursor.take(all)?;
    let other = chains.iter().filter(|chain| **chain == 2).count();
    let mut other = cursor.numbers(other)?.into_iter();
    let ours = U256::from(chain_id);
    let of = addresses.take(cursor, all)?;
    let nonces = cursor.varints(all)?;
    let parities = cursor.take(all)?;
    let mut read = Vec::new();
    for at in 0..all {
        let chain_id = match chains[at] {
            0 => U256::ZERO,
            1 => ours,
            2 => {
                let id = other.next().unwrap_or_default();
                if id.is_zero() || id == ours {
                    return Err(Refusal::AuthorisationOther);
                }
                id
            }
            _ => return Err(Refusal::AuthorisationChain),
        };
        read.push(AuthorisationColumns {
            chain_id,
            address: of[at],
            nonce: nonces[at],
            parity: parities[at],
        });
    }
    let mut read = read.into_iter();
    for (count, at) in counts.into_iter().zip(with_list) {
        rows[at].authorisations = read.by_ref().take(count as usize).collect();
    }
    Ok(())
}
