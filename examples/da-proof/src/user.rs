//! An account that sends transactions and waits for them.

use crate::Rolled;
use alloy_consensus::{SignableTransaction, TxEip1559, TxReceipt, crypto::secp256k1::sign_message};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::TxKind;
use anyhow::{Context, ensure};
use futures_util::StreamExt;
use rollwright::{core::BlockId, evm::machine::signed, prelude::*};

pub(crate) struct User {
    address: Address,
    key: B256,
    chain_id: u64,
    nonce: u64,
}

impl User {
    /// The first of the public test keys.
    pub(crate) fn new(node: &Running<Rolled>) -> anyhow::Result<Self> {
        let account = rollwright::dev::accounts(1);
        let account = account.first().context("a development account")?;
        Ok(Self {
            address: account.address,
            key: account.key,
            chain_id: node.project().chain_id(),
            nonce: 0,
        })
    }

    /// Deploys a contract; its address.
    pub(crate) async fn deploy(
        &mut self,
        node: &Running<Rolled>,
        init_code: Bytes,
    ) -> anyhow::Result<Address> {
        let address = self.address.create(self.nonce);
        let (ok, _) = self.send(node, TxKind::Create, init_code).await?;
        ensure!(ok, "the contract was not deployed");
        Ok(address)
    }

    /// Calls a contract: whether it succeeded, and gas used.
    pub(crate) async fn call(
        &mut self,
        node: &Running<Rolled>,
        to: Address,
        input: Bytes,
    ) -> anyhow::Result<(bool, u64)> {
        self.send(node, to.into(), input).await
    }

    async fn send(
        &mut self,
        node: &Running<Rolled>,
        to: TxKind,
        input: Bytes,
    ) -> anyhow::Result<(bool, u64)> {
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: self.nonce,
            gas_limit: 4_000_000,
            max_fee_per_gas: 10_000_000_000,
            max_priority_fee_per_gas: 1_000_000_000,
            to,
            input,
            ..TxEip1559::default()
        };
        let signature = sign_message(self.key, transaction.signature_hash())?;
        self.nonce += 1;
        let api = node.api();
        let mut events = api.events();
        let bytes = signed(transaction, signature).encoded_2718();
        let hash = api.submit(bytes.into()).await?;
        let store = node.layers().execution.store();
        loop {
            if let Some(place) = store.transaction(&hash)? {
                let block = store.block(BlockId::Number(place.number))?;
                let receipts = &block.context("its block")?.receipts;
                let gas = |at: usize| receipts.get(at).map_or(0, TxReceipt::cumulative_gas_used);
                let index = place.index as usize;
                let used = gas(index) - index.checked_sub(1).map_or(0, gas);
                return Ok((receipts.get(index).is_some_and(TxReceipt::status), used));
            }
            events.next().await.context("the node stopped")?;
        }
    }

    /// A number that a contract keeps.
    pub(crate) fn slot(
        &self,
        node: &Running<Rolled>,
        contract: Address,
        slot: B256,
    ) -> anyhow::Result<u64> {
        let store = node.layers().execution.store();
        let state = store.state_at(&node.api().heads().latest)?;
        Ok(state.slot(contract, slot)?.to())
    }
}
