//! Access lists and authorisations.

use super::{Grouped, Promise};
use crate::codec::{
    columns::{Access, Authorisation, Plan},
    dictionary::Table,
    malformed,
    number::NumberReader,
    reader::Reader,
    shape::{Kind, Shape},
};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256};
use rollwright_derive::CodecError;

impl Grouped<'_> {
    pub(super) fn read_accesses<'a>(
        &self,
        reader: &mut Reader<'a>,
        addresses: &mut Table<Address>,
        plans: &mut [Plan<'_>],
        promise: &Promise<'_>,
    ) -> Result<Vec<Access<'a>>, CodecError> {
        let fits = |shape: &Shape| shape.access_list;
        let total = assign_ranges(
            self.positions(fits),
            reader.varints(self.count(fits))?,
            |position, range| plans[position].accesses = range,
        )?;
        promise.check(plans.iter().map(Plan::least_len))?;
        reader.at_least(total)?;
        let codes = reader.indices(total, addresses.bound())?;
        let counts = reader.varints(total)?;
        let mut accesses = Vec::with_capacity(total);
        for (code, count) in codes.into_iter().zip(counts) {
            let count = usize::try_from(count).map_err(|_| malformed("a count is too large"))?;
            accesses.push(Access {
                address: addresses.value(code)?,
                keys: reader.items(count, 32)?,
            });
        }
        Ok(accesses)
    }

    pub(super) fn read_authorisations<'a>(
        &self,
        reader: &mut Reader<'a>,
        addresses: &mut Table<Address>,
        plans: &mut [Plan<'_>],
        signatures: &'a [u8],
        chain_id: u64,
    ) -> Result<Vec<Authorisation<'a>>, CodecError> {
        let fits = |shape: &Shape| shape.kind == Kind::Eip7702;
        let total = assign_ranges(
            self.positions(fits),
            reader.varints(self.count(fits))?,
            |position, range| plans[position].authorisations = range,
        )?;
        if total != signatures.len() / 64 {
            return Err(malformed("authorisations do not match their signatures"));
        }
        let chains = reader.bytes(total)?;
        let others = chains.iter().filter(|chain| **chain == 2).count();
        let mut others = NumberReader::take(reader, others, 32)?;
        let codes = reader.indices(total, addresses.bound())?;
        let nonces = reader.varints(total)?;
        let parities = reader.bytes(total)?;
        let mut authorisations = Vec::with_capacity(total);
        for (index, signature) in signatures.chunks_exact(64).enumerate() {
            authorisations.push(Authorisation {
                chain_id: authorised_chain(chains[index], &mut others, chain_id)?,
                address: addresses.value(codes[index])?,
                nonce: nonces[index],
                y_parity: parities[index],
                signature,
            });
        }
        Ok(authorisations)
    }
}

/// Gives each position its range of a list whose lengths are known; returns
/// the list's length.
fn assign_ranges(
    positions: impl Iterator<Item = usize>,
    counts: Vec<u64>,
    mut assign: impl FnMut(usize, core::ops::Range<usize>),
) -> Result<usize, CodecError> {
    let mut total = 0usize;
    for (position, count) in positions.zip(counts) {
        if count == 0 {
            return Err(malformed("a list that must not be empty is"));
        }
        let end = usize::try_from(count)
            .ok()
            .and_then(|count| total.checked_add(count))
            .ok_or_else(|| malformed("a count is too large"))?;
        assign(position, total..end);
        total = end;
    }
    Ok(total)
}

fn authorised_chain(
    chain: u8,
    others: &mut NumberReader<'_>,
    ours: u64,
) -> Result<U256, CodecError> {
    let ours = U256::from(ours);
    match chain {
        0 => Ok(U256::ZERO),
        1 if !ours.is_zero() => Ok(ours),
        2 => match others.value()? {
            other if other.is_zero() || other == ours => {
                Err(malformed("an authorisation's chain is not coded shortest"))
            }
            other => Ok(other),
        },
        _ => Err(malformed("an authorisation's chain is unknown")),
    }
}
