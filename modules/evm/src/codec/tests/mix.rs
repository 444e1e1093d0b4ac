//! A seeded load: 30 % transfers, 50 % ERC-20 transfers, 20 % swaps between
//! Zipf-distributed accounts. Shared by tests and benches; the same seed gives
//! the same bytes everywhere.

use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use rollwright_core::DaOrdinal;
use rollwright_derive::BatchBlock;
use std::collections::HashMap;

/// Chain id of the load.
pub(crate) const CHAIN_ID: u64 = 4242;

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Draws 0..n with probability proportional to 1/(k+1), in integers.
struct Zipf(Vec<u64>);

impl Zipf {
    fn new(count: u64) -> Self {
        let weights = (1..=count).scan(0u64, |sum, rank| {
            *sum += (1 << 40) / rank;
            Some(*sum)
        });
        Self(weights.collect())
    }

    fn draw(&self, random: &mut Random) -> usize {
        let total = self.0.last().copied().unwrap_or(1);
        let point = random.below(total);
        self.0.partition_point(|sum| *sum <= point)
    }
}

/// The secret key of account `index`.
pub(crate) fn key(index: u64) -> B256 {
    keccak256(index.to_be_bytes())
}

fn recipient(index: usize) -> Address {
    Address::from_word(keccak256(
        [b"account".as_slice(), &index.to_be_bytes()].concat(),
    ))
}

fn token(index: usize) -> Address {
    Address::from_word(keccak256(
        [b"token".as_slice(), &index.to_be_bytes()].concat(),
    ))
}

/// Signs and encodes.
pub(crate) fn sign(transaction: TxEip1559, key: B256) -> Bytes {
    let signature = sign_message(key, transaction.signature_hash()).expect("a valid key");
    TxEnvelope::from(transaction.into_signed(signature))
        .encoded_2718()
        .into()
}

/// `blocks` blocks of `per_block` transactions among `accounts` accounts.
pub(crate) fn mix(seed: u64, blocks: u64, per_block: u64, accounts: u64) -> Vec<BatchBlock> {
    let random = &mut Random::new(seed);
    let (people, tokens) = (Zipf::new(accounts), Zipf::new(50));
    let mut nonces: HashMap<usize, u64> = HashMap::new();
    let mut base_fee = 1_000_000_007u64;
    (0..blocks)
        .map(|block| {
            base_fee = base_fee / 1000 * (990 + random.below(20)) + random.below(1000);
            let timestamp = 1_800_000_000 + 2 * block;
            let transactions = (0..per_block).map(|_| {
                let sender = people.draw(random);
                let digits = 1 + random.below(10);
                let first = random.below(1 << digits);
                let nonce = nonces.entry(sender).or_insert(first);
                *nonce += 1;
                let tips = [1_000_000u128, 100_000_000, 1_000_000_000, 1_500_000_000];
                let tip = tips[random.below(4) as usize];
                let mut transaction = TxEip1559 {
                    chain_id: CHAIN_ID,
                    nonce: *nonce - 1,
                    max_priority_fee_per_gas: tip,
                    max_fee_per_gas: 2 * u128::from(base_fee) + tip,
                    ..Default::default()
                };
                let to = recipient(people.draw(random));
                match random.below(10) {
                    0..3 => transfer(&mut transaction, to, random),
                    3..8 => erc20(&mut transaction, to, tokens.draw(random), random),
                    _ => swap(&mut transaction, to, &tokens, timestamp, random),
                }
                sign(transaction, key(sender as u64))
            });
            BatchBlock {
                timestamp,
                origin: DaOrdinal(100 + block / 6),
                fee_recipient: recipient(0),
                transactions: transactions.collect(),
            }
        })
        .collect()
}

/// An amount of one to six significant digits.
fn round(random: &mut Random, unit: u64) -> U256 {
    let digits = 10u64.pow(1 + random.below(6) as u32);
    U256::from(1 + random.below(digits)) * U256::from(unit)
}

fn transfer(transaction: &mut TxEip1559, to: Address, random: &mut Random) {
    transaction.to = TxKind::Call(to);
    transaction.gas_limit = 21_000;
    transaction.value = round(random, 1_000_000_000_000);
}

fn calldata(selector: [u8; 4], words: &[U256]) -> Bytes {
    let mut out = selector.to_vec();
    for word in words {
        out.extend_from_slice(&word.to_be_bytes::<32>());
    }
    out.into()
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

fn erc20(transaction: &mut TxEip1559, to: Address, index: usize, random: &mut Random) {
    // Half of the amounts are round, half have all their digits.
    let amount = match random.below(2) {
        0 => round(random, 1_000_000_000_000),
        _ => U256::from(random.below(10u64.pow(18))) * U256::from(1 + random.below(1000)),
    };
    transaction.to = TxKind::Call(token(index));
    transaction.gas_limit = 40_000 + 1_013 * index as u64 + 17_100 * random.below(2);
    transaction.input = calldata([0xa9, 0x05, 0x9c, 0xbb], &[word(to), amount]);
}

fn swap(
    transaction: &mut TxEip1559,
    to: Address,
    tokens: &Zipf,
    timestamp: u64,
    random: &mut Random,
) {
    let amount = round(random, 1_000_000_000_000);
    let least = U256::from(random.next());
    transaction.to = TxKind::Call(token(1_000));
    transaction.gas_limit = 110_000 + random.below(40_000);
    transaction.input = calldata(
        [0x38, 0xed, 0x17, 0x39],
        &[
            amount,
            least,
            U256::from(0xa0),
            word(to),
            U256::from(timestamp + 1_200),
            U256::from(2),
            word(token(tokens.draw(random))),
            word(token(tokens.draw(random))),
        ],
    );
}
