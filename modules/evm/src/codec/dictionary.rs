//! Dictionaries of one batch: a table in order of first use, and codes.

use super::{
    malformed,
    number::{NumberReader, NumberWriter},
    reader::{Reader, put_indices, put_varint},
};
use alloc::vec::Vec;
use alloy_primitives::{Address, U256, map::HashMap};
use core::hash::Hash;
use rollwright_derive::CodecError;

/// Gives each value its code: 0 where it is new, otherwise its place plus one.
#[derive(Debug)]
pub(super) struct Dictionary<V> {
    places: HashMap<V, u32>,
    table: Vec<V>,
}

impl<V: Copy + Eq + Hash> Dictionary<V> {
    pub(super) fn new() -> Self {
        Self {
            places: HashMap::default(),
            table: Vec::new(),
        }
    }

    pub(super) fn code(&mut self, value: V) -> u32 {
        let next = self.table.len() as u32;
        match self.places.entry(value) {
            alloy_primitives::map::Entry::Occupied(known) => *known.get() + 1,
            alloy_primitives::map::Entry::Vacant(new) => {
                new.insert(next);
                self.table.push(value);
                0
            }
        }
    }

    pub(super) fn table(&self) -> &[V] {
        &self.table
    }

    /// Codes of this dictionary lie below this.
    pub(super) fn bound(&self) -> usize {
        self.table.len() + 1
    }
}

/// A table being read: hands out values by code and checks the order of use.
#[derive(Debug)]
pub(super) struct Table<V> {
    entries: Vec<V>,
    used: usize,
}

impl<V: Copy + Ord> Table<V> {
    /// Refuses equal entries.
    pub(super) fn new(entries: Vec<V>) -> Result<Self, CodecError> {
        match all_differ(&entries) {
            true => Ok(Self { entries, used: 0 }),
            false => Err(malformed("a dictionary holds an entry twice")),
        }
    }

    pub(super) fn bound(&self) -> usize {
        self.entries.len() + 1
    }

    pub(super) fn value(&mut self, code: u32) -> Result<V, CodecError> {
        let place = match code {
            0 => {
                self.used += 1;
                self.used - 1
            }
            code if code as usize <= self.used => code as usize - 1,
            _ => return Err(malformed("a code names an entry that is not in use yet")),
        };
        self.entries
            .get(place)
            .copied()
            .ok_or_else(|| malformed("a dictionary has too few entries"))
    }

    pub(super) fn finish(self) -> Result<(), CodecError> {
        match self.used == self.entries.len() {
            true => Ok(()),
            false => Err(malformed("a dictionary entry is never used")),
        }
    }
}

/// The address dictionary of a batch.
pub(super) fn read_addresses(reader: &mut Reader<'_>) -> Result<Table<Address>, CodecError> {
    let count = reader.count()?;
    let bytes = reader.items(count, 20)?;
    Table::new(bytes.chunks_exact(20).map(Address::from_slice).collect())
}

/// Number of entries of a dictionary that serves `codes` codes.
fn entries(reader: &mut Reader<'_>, codes: usize) -> Result<usize, CodecError> {
    match reader.count()? {
        entries if entries <= codes => Ok(entries),
        _ => Err(malformed("a dictionary entry is never used")),
    }
}

/// Reads `count` values through a dictionary of 64-bit integers.
pub(super) fn read_integers(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u64>, CodecError> {
    let entries = entries(reader, count)?;
    let table = Table::new(reader.varints(entries)?)?;
    resolve(reader, table, count)
}

/// Writes integers through a dictionary.
pub(super) fn put_integers(out: &mut Vec<u8>, values: impl Iterator<Item = u64>) {
    let mut dictionary = Dictionary::new();
    let codes: Vec<u32> = values.map(|value| dictionary.code(value)).collect();
    put_varint(out, dictionary.table().len() as u64);
    for entry in dictionary.table() {
        put_varint(out, *entry);
    }
    put_indices(out, &codes, dictionary.bound());
}

/// Reads `count` prices through a dictionary.
pub(super) fn read_prices(reader: &mut Reader<'_>, count: usize) -> Result<Vec<u128>, CodecError> {
    let entries = entries(reader, count)?;
    let mut numbers = NumberReader::take(reader, entries, 16)?;
    let mut prices = Vec::with_capacity(entries);
    for _ in 0..entries {
        let price = u128::try_from(numbers.value()?);
        prices.push(price.map_err(|_| malformed("a price exceeds 128 bits"))?);
    }
    resolve(reader, Table::new(prices)?, count)
}

/// Writes prices through a dictionary.
pub(super) fn put_prices(out: &mut Vec<u8>, values: impl Iterator<Item = u128>) {
    let mut dictionary = Dictionary::new();
    let codes: Vec<u32> = values.map(|value| dictionary.code(value)).collect();
    put_varint(out, dictionary.table().len() as u64);
    let mut numbers = NumberWriter::default();
    for entry in dictionary.table() {
        numbers.push(U256::from(*entry));
    }
    numbers.finish(out);
    put_indices(out, &codes, dictionary.bound());
}

fn resolve<V: Copy + Ord>(
    reader: &mut Reader<'_>,
    mut table: Table<V>,
    count: usize,
) -> Result<Vec<V>, CodecError> {
    let codes = reader.indices(count, table.bound())?;
    let values = codes
        .into_iter()
        .map(|code| table.value(code))
        .collect::<Result<_, _>>()?;
    table.finish()?;
    Ok(values)
}

/// True where no two entries are equal.
pub(super) fn all_differ<V: Copy + Ord>(entries: &[V]) -> bool {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).all(|pair| pair[0] != pair[1])
}
