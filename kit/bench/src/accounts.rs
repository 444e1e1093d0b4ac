//! Presigned transactions of the development accounts, which every node here
//! funds: the same bytes go to each node of a comparison.

use crate::token;
use alloy_consensus::{
    SignableTransaction, TxEip1559, TxEnvelope, crypto::secp256k1::sign_message,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use anyhow::{Context, Result};
use rayon::prelude::*;
use rollwright_evm::genesis::{DevAccount, dev_account};
use std::sync::Arc;

/// Chain id of every node in a comparison.
pub const CHAIN_ID: u64 = 31_337;

const GWEI: u128 = 1_000_000_000;

/// What a transaction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// One wei to a fresh address.
    Transfer,
    /// One token to a fresh address.
    Token(Address),
}

/// A signed transaction.
#[derive(Clone, Debug)]
pub struct Presigned {
    /// Its hash.
    pub hash: B256,
    /// EIP-2718 encoding.
    pub bytes: Bytes,
}

/// The development accounts from `first` on, and the next nonce of each.
#[derive(Clone, Debug)]
pub struct Senders {
    accounts: Arc<[DevAccount]>,
    nonces: Vec<u64>,
}

impl Senders {
    /// The first `count` development accounts, none of which has sent anything.
    pub fn new(count: u32) -> Result<Self> {
        let accounts: Option<Vec<_>> = (0..count).into_par_iter().map(dev_account).collect();
        let accounts: Arc<[DevAccount]> = accounts.context("a development account")?.into();
        Ok(Self {
            nonces: vec![0; accounts.len()],
            accounts,
        })
    }

    /// Their addresses, in order.
    pub fn addresses(&self) -> Vec<Address> {
        self.accounts
            .iter()
            .map(|account| account.address)
            .collect()
    }

    /// `count` transactions from all accounts in turn, so that the transactions
    /// of one account are as far apart as there are accounts.
    pub fn sign(&mut self, count: usize, payload: Payload) -> Result<Vec<Presigned>> {
        let accounts = self.accounts.len();
        let plan: Vec<(usize, u64)> = (0..count)
            .map(|index| {
                let sender = index % accounts;
                let nonce = self.nonces[sender];
                self.nonces[sender] += 1;
                (sender, nonce)
            })
            .collect();
        let sign = |(sender, nonce): (usize, u64)| {
            let account = &self.accounts[sender];
            sign(account, nonce, call(account, nonce, payload))
        };
        plan.into_par_iter().map(sign).collect()
    }

    /// The same accounts, all new but for one, whose next nonce is given.
    #[must_use]
    pub fn from_nonce(&self, account: usize, nonce: u64) -> Self {
        let mut nonces = vec![0; self.accounts.len()];
        nonces[account] = nonce;
        Self {
            accounts: Arc::clone(&self.accounts),
            nonces,
        }
    }

    /// One transaction of the first account: the token's creation.
    pub fn create_token(&mut self) -> Result<(Presigned, Address)> {
        let nonce = self.nonces[0];
        self.nonces[0] += 1;
        let account = &self.accounts[0];
        let call = (
            TxKind::Create,
            U256::ZERO,
            token::creation_code()?,
            2_000_000,
        );
        Ok((sign(account, nonce, call)?, account.address.create(nonce)))
    }

    /// Transactions of the first account that give tokens to all.
    pub fn mint(&mut self, token: Address) -> Result<Vec<Presigned>> {
        let addresses = self.addresses();
        let account = self.accounts[0];
        addresses
            .chunks(200)
            .map(|holders| {
                let nonce = self.nonces[0];
                self.nonces[0] += 1;
                let input = token::mint(holders.to_vec(), U256::from(1_000_000_000));
                sign(
                    &account,
                    nonce,
                    (TxKind::Call(token), U256::ZERO, input, 10_000_000),
                )
            })
            .collect()
    }
}

type Call = (TxKind, U256, Bytes, u64);

/// A recipient that nobody has sent to before.
fn recipient(account: &DevAccount, nonce: u64) -> Address {
    let mut seed = [0; 28];
    seed[..20].copy_from_slice(account.address.as_slice());
    seed[20..].copy_from_slice(&nonce.to_be_bytes());
    Address::from_word(keccak256(seed))
}

fn call(account: &DevAccount, nonce: u64, payload: Payload) -> Call {
    let to = recipient(account, nonce);
    match payload {
        Payload::Transfer => (TxKind::Call(to), U256::from(1), Bytes::new(), 21_000),
        Payload::Token(token) => {
            let input = token::transfer(to, U256::from(1));
            (TxKind::Call(token), U256::ZERO, input, 80_000)
        }
    }
}

fn sign(account: &DevAccount, nonce: u64, call: Call) -> Result<Presigned> {
    let (to, value, input, gas_limit) = call;
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit,
        max_fee_per_gas: 100 * GWEI,
        max_priority_fee_per_gas: GWEI,
        to,
        value,
        input,
        ..Default::default()
    };
    let signature = sign_message(account.key, transaction.signature_hash())?;
    let signed = TxEnvelope::from(transaction.into_signed(signature));
    Ok(Presigned {
        hash: *signed.tx_hash(),
        bytes: signed.encoded_2718().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_consensus::{Transaction, transaction::SignerRecoverable};
    use alloy_eips::eip2718::Decodable2718;

    #[test]
    fn senders_take_turns_with_rising_nonces() {
        let mut senders = Senders::new(3).unwrap();
        let addresses = senders.addresses();
        senders.sign(1, Payload::Transfer).unwrap();
        let signed = senders.sign(4, Payload::Transfer).unwrap();
        let seen: Vec<_> = signed
            .iter()
            .map(|presigned| {
                let transaction = TxEnvelope::decode_2718(&mut &presigned.bytes[..]).unwrap();
                assert_eq!(*transaction.tx_hash(), presigned.hash);
                (transaction.recover_signer().unwrap(), transaction.nonce())
            })
            .collect();
        // Each call begins again with the first account.
        let expected = [(0, 1), (1, 0), (2, 0), (0, 2)];
        assert_eq!(
            seen,
            expected.map(|(index, nonce)| (addresses[index], nonce))
        );
    }
}
