//! A chain of one producer: blocks on demand, final at once.

use anyhow::{Context, ensure};
use rollwright_core::{
    Account, Address, Anchor, Attributes, B256, BlockId, BlockRef, Bytes, CandidateOutcome,
    DaHeight, DaOrdinal, DaPoint, Executed, ForcedBudget, Header, Heads, ProofKey, StateProof,
};
use rollwright_evm::{
    engine::{EvmConfig, EvmEngine, TransactionList},
    genesis::Genesis,
    machine::{CallRequest, CallResult, Overrides},
    predeploy,
};
use std::path::Path;

/// Seconds between blocks. The chain reads no clock: time passes with blocks.
const BLOCK_TIME: u64 = 12;

/// Most bytes of transactions in a block.
const BLOCK_BYTES: u64 = 1 << 20;

/// Most transactions in a block.
const BLOCK_TRANSACTIONS: u32 = 1_000;

/// Receives the priority fees.
pub(crate) const PRODUCER: Address = Address::repeat_byte(0xbb);

/// The chain and the transactions that wait for its next block.
pub(crate) struct Chain {
    engine: EvmEngine,
    waiting: Vec<Bytes>,
}

/// What became of the transactions that waited.
#[derive(Debug)]
pub(crate) struct Produced {
    /// The new head.
    pub(crate) block: Executed,
    /// Hashes of transactions that can never be included, and why.
    pub(crate) dropped: Vec<(B256, String)>,
}

impl Chain {
    /// Opens the chain in a folder, or starts it there.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let mut genesis = Genesis::from_json(include_str!("../genesis.json"))?;
        // The contracts that Ethereum's rules call in every block.
        genesis.alloc.extend(predeploy::all());
        let engine = EvmEngine::open(EvmConfig::at(genesis, folder))?;
        engine.init()?;
        let waiting = Vec::new();
        Ok(Self { engine, waiting })
    }

    /// Chain id, which transactions are signed for.
    pub(crate) fn id(&self) -> u64 {
        self.engine.chain_config().chain_id
    }

    /// The head.
    pub(crate) fn head(&self) -> anyhow::Result<BlockRef> {
        Ok(self.engine.heads()?.latest)
    }

    /// The head's header.
    pub(crate) fn header(&self) -> anyhow::Result<Header> {
        let head = BlockId::Hash(self.head()?.hash);
        let header = self.engine.store().header(head)?;
        header.context("the head has no header")
    }

    /// Takes a transaction for the next block; its hash.
    pub(crate) fn submit(&mut self, transaction: Bytes) -> anyhow::Result<B256> {
        let admission = self.engine.admit_transaction(&transaction)?;
        self.waiting.push(transaction);
        Ok(admission.hash)
    }

    /// Makes a block of what waits, and the block the head. What finds no room
    /// waits for the next one.
    pub(crate) fn produce(&mut self) -> anyhow::Result<Produced> {
        let parent = self.header()?;
        let parent_ref = self.head()?;
        let mut offered = TransactionList::new(std::mem::take(&mut self.waiting));
        let block = self
            .engine
            .build_block(&parent_ref, attributes(&parent, &parent_ref), &mut offered)?
            .executed;
        let outcomes = offered.outcomes().iter();
        let dropped = outcomes.filter_map(|(hash, outcome)| match outcome {
            CandidateOutcome::Invalid(reason) => Some((*hash, reason.clone())),
            CandidateOutcome::Included | CandidateOutcome::Later => None,
        });
        let dropped = dropped.collect();
        self.waiting = offered.into_waiting();
        // A chain with several producers would agree on the block here. With
        // one, nothing can take it back: all three heads move together.
        self.engine.commit(&Heads::all(block.block), &[])?;
        Ok(Produced { block, dropped })
    }

    /// An account at the head; absent ones are empty.
    pub(crate) fn account(&self, address: Address) -> anyhow::Result<Account> {
        let state = self.engine.store().state_at(&self.head()?)?;
        Ok(state.account(address)?.unwrap_or_default())
    }

    /// What a contract answers at the head. Changes nothing.
    pub(crate) fn call(&self, to: Address, input: Bytes) -> anyhow::Result<Bytes> {
        let to = Some(to);
        let request = CallRequest {
            to,
            input,
            ..CallRequest::default()
        };
        let outcome = self
            .engine
            .call(&self.head()?, &request, &Overrides::default())??;
        match outcome.result {
            CallResult::Success { output, .. } => Ok(output),
            failed => anyhow::bail!("the call failed: {failed:?}"),
        }
    }

    /// An account with some of its slots, with proofs for the head's root.
    pub(crate) fn prove(&self, address: Address, slots: Vec<B256>) -> anyhow::Result<StateProof> {
        let keys = [ProofKey { address, slots }];
        Ok(self.engine.store().prove(&self.head()?, &keys)?)
    }

    /// Computes the state root anew from the accounts on disk.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let root = self.engine.store().check()?;
        ensure!(
            root.root == self.header()?.state_root,
            "the head has another root"
        );
        Ok(())
    }
}

/// All that a block has besides transactions: a function of its parent here.
fn attributes(parent: &Header, parent_ref: &BlockRef) -> Attributes {
    let number = parent.number + 1;
    let timestamp = parent.timestamp + BLOCK_TIME;
    // A rollup's anchor names its DA block. This chain has none and counts its
    // own blocks instead, so that `prevrandao` differs from block to block.
    let origin = DaPoint {
        epoch: 0,
        height: DaHeight(number),
        hash: parent_ref.hash,
    };
    Attributes {
        timestamp,
        fee_recipient: PRODUCER,
        gas_limit: parent.gas_limit,
        anchor: Anchor::at(origin, DaOrdinal(number), B256::ZERO, timestamp),
        forced: Vec::new(),
        forced_budget: ForcedBudget::default(),
        ticks: Vec::new(),
        inbox: Vec::new(),
        max_bytes: BLOCK_BYTES,
        max_transactions: BLOCK_TRANSACTIONS,
    }
}
