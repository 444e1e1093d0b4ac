//! Calldata that is a selector and words.

use super::{
    super::{Bounds, Refusal},
    columns::{Calldata, Row, Shape},
    cursor::{Cursor, Dictionary},
};
use alloy_primitives::{Address, U256};

/// In a number column of words: an address code instead of a number.
const ADDRESS: u8 = 33;

/// True where a word is always written as an address.
fn is_like_an_address(word: U256) -> bool {
    (17..=20).contains(&word.byte_len())
}

pub(super) fn read(
    cursor: &mut Cursor<'_>,
    rows: &mut [Row],
    shapes: &[Shape],
    of: &[usize],
    addresses: &mut Dictionary<Address>,
    bounds: &Bounds,
) -> Result<(), Refusal> {
    // Whose word each is: by shape, by position, by transaction.
    let mut owners: Vec<(usize, usize)> = Vec::new();
    let most = bounds.batch_bytes / 32;
    for (index, shape) in shapes.iter().enumerate() {
        let Calldata::Abi { selector, words } = shape.calldata else {
            continue;
        };
        let group: Vec<usize> = (0..rows.len()).filter(|at| of[*at] == index).collect();
        // Zero words are one byte in the column, and thirty-two here.
        let more = words as u128 * group.len() as u128;
        if owners.len() as u128 + more > u128::from(most) {
            return Err(Refusal::BatchBytes);
        }
        for at in &group {
            rows[*at].calldata = selector.to_vec();
            rows[*at].calldata.resize(4 + 32 * words, 0);
        }
        for word in 0..words {
            owners.extend(group.iter().map(|at| (*at, word)));
        }
    }
    let lens = cursor.take(owners.len())?;
    let numbers: Vec<u8> = lens.iter().copied().filter(|len| *len != ADDRESS).collect();
    let mut numbers = cursor.numbers_of(&numbers)?.into_iter();
    let codes = lens.iter().filter(|len| **len == ADDRESS).count();
    let mut words = addresses.take(cursor, codes)?.into_iter();
    for (len, (at, word)) in lens.iter().zip(owners) {
        let value = if *len == ADDRESS {
            let address = words.next().unwrap_or_default();
            U256::from_be_slice(address.as_slice())
        } else {
            numbers.next().unwrap_or_default()
        };
        if is_like_an_address(value) != (*len == ADDRESS) {
            return Err(Refusal::WordForm);
        }
        let start = 4 + 32 * word;
        rows[at].calldata[start..start + 32].copy_from_slice(&value.to_be_bytes::<32>());
    }
    Ok(())
}
