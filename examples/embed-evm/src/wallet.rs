//! Keys and signatures: what a user's wallet does.

use alloy_consensus::{SignableTransaction, TxEip1559, crypto::secp256k1::sign_message};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::TxKind;
use anyhow::Context;
use rollwright_core::{Address, B256, Bytes, U256};
use rollwright_evm::{genesis::dev_account, machine::signed};

/// An account with its key and the nonce that it signs next.
pub(crate) struct Wallet {
    pub(crate) address: Address,
    key: B256,
    chain_id: u64,
    nonce: u64,
}

impl Wallet {
    /// The first of the public test keys, which `genesis.json` funds.
    /// Everybody knows it.
    pub(crate) fn funded(chain_id: u64, nonce: u64) -> anyhow::Result<Self> {
        let account = dev_account(0).context("BIP-32 derives a first key")?;
        Ok(Self {
            address: account.address,
            key: account.key,
            chain_id,
            nonce,
        })
    }

    /// Signs a transfer of `wei`.
    pub(crate) fn transfer(&mut self, to: Address, wei: U256) -> anyhow::Result<Bytes> {
        self.sign(to.into(), wei, Bytes::new(), 21_000)
    }

    /// Signs a call.
    pub(crate) fn call(&mut self, to: Address, input: Bytes) -> anyhow::Result<Bytes> {
        self.sign(to.into(), U256::ZERO, input, 100_000)
    }

    /// Signs a deployment; also where the contract will stand.
    pub(crate) fn deploy(&mut self, init_code: Bytes) -> anyhow::Result<(Bytes, Address)> {
        let address = self.address.create(self.nonce);
        let transaction = self.sign(TxKind::Create, U256::ZERO, init_code, 200_000)?;
        Ok((transaction, address))
    }

    fn sign(&mut self, to: TxKind, value: U256, input: Bytes, gas: u64) -> anyhow::Result<Bytes> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: gas,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to,
            value,
            input,
            ..TxEip1559::default()
        };
        let signature = sign_message(self.key, transaction.signature_hash())?;
        self.nonce += 1;
        Ok(signed(transaction, signature).encoded_2718().into())
    }
}
